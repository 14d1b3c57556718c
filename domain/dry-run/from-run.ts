/** A past run in the form that `try` takes, so that a changed workflow can be tried on the same values. */
import type { Json, JsonObject } from '../text/json-value.ts';
import { isObject, setKey } from '../text/json.ts';
import { CALLING } from './try-input.ts';

/** A block's log, as run logs give it. */
export interface BlockLog {
  block?: Json;
  type?: Json;
  status?: Json;
  output?: Json;
}

/** The input of a run and the outputs of its blocks that succeeded and that a dry run does not call. */
export function toTryInput(
  input: JsonObject | null,
  logs: readonly BlockLog[],
): { input: JsonObject; outputs: JsonObject } {
  const outputs: JsonObject = {};
  for (const { block, type, status, output } of logs) {
    if (typeof block !== 'string' || typeof type !== 'string' || !CALLING.includes(type)) continue;
    if (status !== 'success' || output === undefined || output === null) continue;
    setKey(outputs, block, type === 'general_api' ? output : unwrapped(output));
  }
  return { input: input ?? {}, outputs };
}

/** A log may hold a block's output as it is, or under `output`. */
function unwrapped(output: Json): Json {
  if (!isObject(output)) return output;
  const [only, ...others] = Object.keys(output);
  return only === 'output' && others.length === 0 ? output.output! : output;
}
