/** Fills the references of a config with the outputs of the blocks above. */
import { readReference } from '../rules/reference.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { isObject, setKey } from '../text/json.ts';
import { toJsonText } from '../text/json-text.ts';
import { type Budget, type LookUp, Unknown } from './value.ts';

/** What was noticed while a config was filled. */
export interface Noticed {
  /** References that stay in the text, with the reason of each. */
  unresolved: Set<string>;
  /** Whether a whole value was taken over with its type. */
  wholeValue: boolean;
}

/**
 * A copy of a config's value with its references filled. A value that only a real run knows is shown as `[unknown: why]`. A
 * reference that stands for nothing stays as it is.
 */
export function resolveConfig(value: Json, lookUp: LookUp, budget: Budget, noticed: Noticed): Json {
  if (typeof value === 'string') return resolveText(value, lookUp, budget, noticed);
  budget.spend(1);
  if (Array.isArray(value)) return value.map((item) => resolveConfig(item, lookUp, budget, noticed));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value))
    setKey(result, key, resolveConfig(value[key]!, lookUp, budget, noticed));
  return result;
}

function resolveText(text: string, lookUp: LookUp, budget: Budget, noticed: Noticed): Json {
  budget.spend(text.length);
  const parts: string[] = [];
  let done = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    const reference = readReference(text, at);
    if (!reference) {
      at += 1;
      continue;
    }
    const { name, path, end } = reference;
    const found = lookUp(name, path);
    if ('unresolved' in found) noticed.unresolved.add(`${text.slice(at, end)}: ${found.unresolved}`);
    else {
      const shown = found.value instanceof Unknown ? `[unknown: ${found.value.why}]` : found.value;
      if (at === 0 && end === text.length) {
        noticed.wholeValue ||= typeof shown !== 'string';
        return shown;
      }
      const inserted = typeof shown === 'string' ? shown : toJsonText(shown);
      budget.spend(inserted.length);
      parts.push(text.slice(done, at), inserted);
      done = end;
    }
    at = end;
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(done);
}
