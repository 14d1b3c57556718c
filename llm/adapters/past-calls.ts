/** Earlier tool calls in a form that every provider accepts, whatever the model wrote as name and arguments. */
import { parseJsonObject } from '../../domain/text/json.ts';
import type { ModelToolCall } from '../types.ts';

/** The name of a call with the characters that providers allow. Names that a model invents have spaces, dots and others. */
export function toolNameOf({ name }: ModelToolCall): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || '_';
}

/** The arguments as the text of a JSON object. Some servers parse them and fail when the text is invalid. */
export function argumentsOf(call: ModelToolCall): string {
  if (call.arguments.trim() === '') return '{}';
  return parseJsonObject(call.arguments) === null
    ? JSON.stringify({ unreadable: call.arguments })
    : call.arguments;
}
