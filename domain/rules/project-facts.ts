/** What an edit's ids and models mean in the project: read before the edit is judged, for what it mentions. */
import type { Json } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';

export type ReferredKind = 'agent' | 'knowledge_base' | 'source';

export interface ProjectFacts {
  /** Ids that were asked about and are not there. */
  missing: Readonly<Record<ReferredKind, ReadonlySet<string>>>;
  /** Models that were asked about and neither the catalogue nor an agent of the project knows. */
  unknownModels: ReadonlySet<string>;
  /** For suggestions. */
  models: readonly string[];
}

export interface Mentions {
  ids: Record<ReferredKind, string[]>;
  models: string[];
}

// A map, since keys are data: `valueOf` is one like any other.
const FIELDS: ReadonlyMap<string, ReferredKind> = new Map([
  ['agent_id', 'agent'],
  ['knowledge_base_id', 'knowledge_base'],
  ['source_id', 'source'],
]);

/** A literal id in a config: not a reference, not a template. */
export function isLiteralId(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '' && !/[<>{}$]/.test(value);
}

/** The ids of agents, knowledge bases and sources, and the models, that a config (or any JSON around it) names. */
export function findMentions(value: Json): Mentions {
  const found: Mentions = { ids: { agent: [], knowledge_base: [], source: [] }, models: [] };
  const stack: Json[] = [value];
  while (stack.length > 0) {
    const item = stack.pop()!;
    // One by one: a list is spread over the call stack otherwise, and a long one does not fit.
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
