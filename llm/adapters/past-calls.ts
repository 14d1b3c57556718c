/** Calls that a model made before, in a form that every provider takes back: a model may have written anything. */
import { parseJsonObject } from '../../domain/text/json.ts';
import type { ModelToolCall } from '../types.ts';

/** A tool's name within what providers allow: made-up names hold spaces, dots and other things. */
export function toolNameOf({ name }: ModelToolCall): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || '_';
}

/** The arguments as a JSON object's text. Some servers read them, and fail on what the model got wrong. */
export function argumentsOf(call: ModelToolCall): string {
  if (call.arguments.trim() === '') return '{}';
  return parseJsonObject(call.arguments) === null
    ? JSON.stringify({ unreadable: call.arguments })
    : call.arguments;
}
