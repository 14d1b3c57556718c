/** What the workflow is told of a step: ids and small facts of the stored answer. */
import { MAX_TOOL_CALLS } from '../../contracts/limits.ts';
import type { CallModelResult, ToolCallRef } from '../../contracts/turn.ts';
import { parseJsonObject } from '../../domain/text/json.ts';
import type { ToolRegistry } from '../tools/registry.ts';
import { type AssistantBody, hashArguments } from './transcript.ts';

const PREVIEW_CHARS = 60;

/** The result of a step whose answer is stored. */
export function toStepResult(tools: ToolRegistry, body: AssistantBody): CallModelResult {
  const names = body.toolCalls.map((call) => call.name).join(', ');
  return {
    finish: body.finish,
    hasText: body.content !== '',
    ...(body.note !== undefined && body.toolCalls.length === 0
      ? { unfinished: body.finish === 'length' ? ('cut' as const) : ('empty' as const) }
      : {}),
    // One call more than a turn may make already ends the turn. The history need not hold the rest.
    toolCalls: body.toolCalls.slice(0, MAX_TOOL_CALLS + 1).map((call) => ({
      callId: call.callId,
      name: call.name.slice(0, 64),
      argumentsHash: hashArguments(call.arguments),
      preview: tools.preview(call.name, parseJsonObject(call.arguments)),
      ...toTraits(tools, call.name),
    })),
    inputTokens: body.inputTokens,
    outputTokens: body.outputTokens,
    preview:
      names === '' ? `answer of ${body.content.length} characters` : `calls ${names}`.slice(0, PREVIEW_CHARS),
  };
}

/** The result of a step that was not made because its request is too long. `by`: who found it too long. */
export function toTooLong(by: 'counted' | 'refused'): CallModelResult {
  return { tooLong: by, finish: 'stop', toolCalls: [], inputTokens: 0, outputTokens: 0, preview: 'too long' };
}

function toTraits(tools: ToolRegistry, name: string): Pick<ToolCallRef, 'traits'> {
  const traits = tools.traits(name);
  return traits === null ? {} : { traits };
}
