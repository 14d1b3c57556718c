import type { JsonObject } from '../text/json-value.ts';
import { getKey } from '../text/json.ts';

/** Whether a config has no value in a field: it is absent, null, or a text of white space. */
export function isMissing(config: JsonObject, field: string): boolean {
  const value = getKey(config, field);
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}
