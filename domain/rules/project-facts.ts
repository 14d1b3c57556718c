/** Whether the project knows the ids and models that an edit mentions. These facts are read before the edit is judged. */
import type { Json } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';

export type ReferredKind = 'agent' | 'knowledge_base' | 'source';

export interface ProjectFacts {
  /** The mentioned ids that do not exist. */
  missing: Readonly<Record<ReferredKind, ReadonlySet<string>>>;
  /** The mentioned models that are neither in the catalogue nor used by an agent of the project. */
  unknownModels: ReadonlySet<string>;
  /** The models of the catalogue, for suggestions. */
  models: readonly string[];
}

export interface Mentions {
  ids: Record<ReferredKind, string[]>;
  models: string[];
}

// A map, because the keys that are looked up are data and may be `valueOf`.
const FIELDS: ReadonlyMap<string, ReferredKind> = new Map([
  ['agent_id', 'agent'],
  ['knowledge_base_id', 'knowledge_base'],
  ['source_id', 'source'],
]);

/** Whether a config's value is a literal id, not a reference or a template. */
export function isLiteralId(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '' && !/[<>{}$]/.test(value);
}

/** Finds the ids of agents, knowledge bases and sources, and the models, that a JSON value mentions. */
export function findMentions(value: Json): Mentions {
  const found: Mentions = { ids: { agent: [], knowledge_base: [], source: [] }, models: [] };
  const stack: Json[] = [value];
  while (stack.length > 0) {
    const item = stack.pop()!;
    // Pushed one by one: spreading a long list into one call would overflow the stack.
    if (Array.isArray(item)) for (const inner of item) stack.push(inner);
    else if (isObject(item)) {
      for (const [key, inner] of Object.entries(item)) {
        const kind = FIELDS.get(key);
        if (kind && isLiteralId(inner)) found.ids[kind].push(inner);
        else if (key === 'model' && isLiteralId(inner)) found.models.push(inner);
        else if (key === 'knowledge_bases' && Array.isArray(inner)) {
          for (const entry of inner) {
            const id = isObject(entry) ? entry.id : entry;
            if (isLiteralId(id)) found.ids.knowledge_base.push(id);
          }
        } else if (typeof inner === 'object') stack.push(inner);
      }
    }
  }
  return found;
}
