/** A tool call as the model wrote it. */
import type { TurnEvent } from '../../contracts/events.ts';
import type { RunToolInput } from '../../contracts/turn.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { JSON_LIMITS, readJsonObject } from '../../domain/text/json.ts';
import type { ActivityDeps } from '../deps.ts';
import { toolFailure, type ToolOutcome } from '../tools/tool.ts';

export interface WrittenCall {
  /** Null when the text can't be read as arguments. */
  args: JsonObject | null;
  /** The tool's result when the arguments can't be read; else null. */
  refusal: ToolOutcome | null;
  /** What a reader is shown of the arguments. */
  shown: Extract<TurnEvent, { event: 'tool_call' }>['arguments'];
  sessionId: string;
  /** The customer's workflow that the session belongs to. */
  workflowId: string;
  /** The place of the call among the calls of the step, from 1. */
  position: number;
  /** How many calls of the same tool stand before this one in its step. */
  earlierInStep: number;
}

/** Reads a call from the stored answer that asked for it. */
export async function readCall(deps: ActivityDeps, input: RunToolInput): Promise<WrittenCall> {
  const { callId, name } = input;
  const found = await deps.store.findAskedCall(input);
  const { sessionId = '', workflowId = '', calls = [] } = found ?? {};
  const index = calls.findIndex((call) => call.callId === callId);
  const text = calls[index]?.arguments;
  return {
    ...(typeof text === 'string' ? readArguments(text, deps.tools.limits(name).argumentChars) : NO_ARGUMENTS),
    sessionId,
    workflowId,
    position: index + 1,
    earlierInStep: calls.slice(0, Math.max(0, index)).filter((call) => call.name === name).length,
  };
}

/** The answer's row is missing only when the session was deleted. The claim then throws the right error. */
const NO_ARGUMENTS = { args: null, refusal: null, shown: '' };

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
