/** A tool call's claim and its stored result, for the three activities that store one. */
import { createHash } from 'node:crypto';
import type { RunToolInput } from '../../contracts/turn.ts';
import type { Claim } from '../../db/turns/claims.ts';
import type { SavedWork } from '../../db/turns/transcript.ts';
import type { Json } from '../../domain/text/json-value.ts';
import { jsonEqual } from '../../domain/text/json.ts';
import { ANALYZING } from '../../domain/text/status-map.ts';
import type { ToolBody } from '../conversation/transcript.ts';
import type { WrittenCall } from '../conversation/written-call.ts';
import type { ActivityDeps } from '../deps.ts';
import type { ToolOutcome } from '../tools/tool.ts';
import type { Attempt } from './attempt.ts';

/** The characters of a result that the stream shows. The model and GET messages get the whole result. */
const READABLE_CHARS = 2_000;
const SAME_REFUSAL =
  'These are the same problems as last time. Do not send the same edit again: change what the problems name, or tell the user what is missing.';

/**
 * The name under which a tool's calls are counted: one of a bounded set that any text column takes. A model may call tools
 * that do not exist.
 */
export function toolLabel(deps: Pick<ActivityDeps, 'tools'>, name: string): string {
  return deps.tools.traits(name) !== null && /^\w{1,64}$/.test(name) ? name : 'other';
}

/** Claims a call's work. The first claim announces the call to readers. */
export function claimCall(
  deps: ActivityDeps,
  attempt: Attempt,
  input: RunToolInput,
  call: WrittenCall,
): Promise<Claim> {
  const { turnId, step, callId, name } = input;
  return attempt.claim({
    turnId,
    key: `call:${callId}`,
    step,
    onFirst: [
      { event: 'status', message: deps.tools.status(name), step, tool: name },
      {
        event: 'tool_call',
        name,
        arguments: call.shown,
        call_id: callId,
        step,
        tool_call: { id: callId, name },
      },
    ],
    textBefore: async () => '',
  });
}

/** The transcript row and the events of a finished call. `note`: what the model is told beside the result. */
export function toWork(
  deps: ActivityDeps,
  input: RunToolInput,
  call: WrittenCall,
  outcome: ToolOutcome,
  note: string | null = null,
): SavedWork {
  const { step, callId, name } = input;
  const result = JSON.stringify(outcome.result);
  // The note is left out: equal results must have equal hashes, and only a repeated refusal has a note.
  const hash = createHash('sha256').update(result).digest('hex').slice(0, 16);
  const content = note === null ? result : JSON.stringify({ ...outcome.result, note });
  const preview = deps.tools.preview(name, call.args) + (outcome.isError ? ' (refused)' : '');
  // db/turns/asked-calls.ts finds a result by the beginning of its body, so callId and name must come first.
  const body: ToolBody = { callId, name, content, isError: outcome.isError, hash, preview };
  return {
    entry: { step, position: call.position, role: 'tool', body: JSON.stringify(body) },
    events: [
      {
        event: 'tool_result',
        name,
        result: content.slice(0, READABLE_CHARS).toWellFormed(),
        call_id: callId,
        step,
        is_error: outcome.isError,
        truncated: content.length > READABLE_CHARS,
      },
      { event: 'status', message: ANALYZING, step, tool: name },
    ],
    toolCall: { tool: toolLabel(deps, name), result: outcome.isError ? 'error' : 'ok' },
    ...(outcome.graph
      ? {
          graph: {
            working: outcome.graph.text,
            aliases: Object.fromEntries(outcome.graph.aliases),
          },
        }
      : {}),
  };
}

/** The note for an edit that was refused for the same problems as the newest edit of an earlier step; else null. */
export async function noteOf(
  deps: ActivityDeps,
  input: RunToolInput,
  { isError, result }: ToolOutcome,
): Promise<string | null> {
  const problems = problemsOf(result);
  if (!isError || problems === undefined) return null;
  const previous = await deps.store.findPreviousResult(input);
  if (previous === null) return null;
  const { content } = JSON.parse(previous) as ToolBody;
  return jsonEqual(problemsOf(JSON.parse(content) as object), problems) ? SAME_REFUSAL : null;
}

function problemsOf(result: object): Json | undefined {
  return (result as { problems?: Json }).problems;
}
