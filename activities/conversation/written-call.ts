/** A tool call as the model wrote it, read from the transcript. */
import type { TurnEvent } from '../../contracts/events.ts';
import type { RunToolInput } from '../../contracts/turn.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { JSON_LIMITS, readJsonObject } from '../../domain/text/json.ts';
import type { ActivityDeps } from '../deps.ts';
import { toolFailure, type ToolOutcome } from '../tools/tool.ts';
import type { AssistantBody, ToolBody } from './transcript.ts';

export interface WrittenCall {
  /** Null when the text can't be read as arguments. */
  args: JsonObject | null;
  /** What the model is told when it can't be; null when it can. */
  refusal: ToolOutcome | null;
  /** What a reader is shown of the arguments. */
  shown: Extract<TurnEvent, { event: 'tool_call' }>['arguments'];
  /** Its place among the calls of the step, from 1. */
  position: number;
  /** Calls of the same tool that the turn made before it. */
  earlier: number;
  /** The newest result of the same tool, as JSON text; null when it has none. */
  previous: string | null;
}

/** Reads a call from the transcript. */
export async function readCall(deps: ActivityDeps, input: RunToolInput): Promise<WrittenCall> {
  const entries = await deps.store.listTranscript(input.turnId);
  let earlier = 0;
  let previous: string | null = null;
  for (const entry of entries) {
    if (entry.role === 'tool') {
      const result = JSON.parse(entry.body) as ToolBody;
      if (result.name === input.name) previous = result.content;
      continue;
    }
    if (entry.step > input.step) break;
    for (const [index, call] of (JSON.parse(entry.body) as AssistantBody).toolCalls.entries()) {
      if (entry.step === input.step && call.callId === input.callId)
        return {
          ...readArguments(call.arguments, deps.tools.limits(call.name).argumentChars),
          position: index + 1,
          earlier,
          previous,
        };
      if (call.name === input.name) earlier += 1;
    }
  }
  // The row is gone only when the session is; claiming says so with the right error.
  return { args: null, refusal: null, shown: '', position: 0, earlier, previous };
}

function readArguments(text: string, limit: number): Pick<WrittenCall, 'args' | 'refusal' | 'shown'> {
  const refuse = (error: string, hint: string) => ({
    args: null,
    refusal: toolFailure('invalid_arguments', error, hint),
    shown: text.slice(0, limit),
  });
  if (text.length > limit)
    return refuse(`The arguments have more than ${limit} characters.`, 'Send less at once.');
  const read = readJsonObject(text);
  switch (read.problem) {
    case 'depth':
      return refuse(
        `The arguments nest deeper than ${JSON_LIMITS.maxDepth} levels.`,
        'Send a flatter object.',
      );
    case 'tokens':
      return refuse(
        `The arguments have more than ${JSON_LIMITS.maxTokens} keys and values.`,
        'Send less at once.',
      );
    case 'number':
      return refuse('The arguments hold a number that is too large.', 'Send numbers that a double can hold.');
    case 'syntax':
      return refuse('The arguments are no JSON object.', 'Send one JSON object.');
    case null:
      return { args: read.value, refusal: null, shown: read.value };
  }
}
