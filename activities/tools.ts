/** runTool: one tool call of a turn, run once and stored with its events. */
import { createHash } from 'node:crypto';
import type { TurnEvent } from '../contracts/events.ts';
import type { RunToolInput, RunToolResult } from '../contracts/turn.ts';
import { MAX_SQL_CALLS, type ToolName, WRITING_TOOLS } from '../contracts/names.ts';
import type { Claim, SavedWork } from '../db/turns.ts';
import type { Json } from '../domain/graph.ts';
import { jsonEqual, parseJsonObject } from '../domain/json.ts';
import { ANALYZING, statusForTool } from '../domain/status-map.ts';
import { runAttempt } from './attempt.ts';
import type { ActivityDeps } from './deps.ts';
import { toolFailure, type ToolOutcome } from './tools/registry.ts';
import { MAX_RESULT_CHARS } from './tools/fit-result.ts';
import type { AssistantBody, ToolBody } from './transcript.ts';

/** A reader is shown this much of a result; the model and GET messages get all of it. */
const READABLE_CHARS = 2_000;
/** Arguments longer than this are refused unread; an edit of the graph carries code and configs. */
const MAX_ARGUMENT_CHARS = 64 * 1024;
const MAX_EDIT_CHARS = 256 * 1024;
const SAME_REFUSAL =
  'These are the same problems as last time. Do not send the same edit again: change what the problems name, or tell the user what is missing.';
const SQL_TOOL: ToolName = 'execute_public_sql';

/** Creates the tool activity. */
export function createToolActivities(deps: ActivityDeps) {
  return {
    /** Runs a tool call, or returns its stored result. A tool's own failure is a result, not a failed activity. */
    async runTool(input: RunToolInput): Promise<RunToolResult> {
      return runAttempt(
        deps,
        () => null,
        ({ signal }) => performTool(deps, input, signal),
      );
    },
  };
}

async function performTool(
  deps: ActivityDeps,
  input: RunToolInput,
  signal: AbortSignal,
): Promise<RunToolResult> {
  const call = await readCall(deps, input);
  const claim = await claimCall(deps, input, call);
  if (claim.stored !== null) return toResult(JSON.parse(claim.stored) as ToolBody);

  const outcome = await runOnce(deps, input, call, signal);
  signal.throwIfAborted();
  const work = toWork(deps, input, call, outcome);
  await deps.store.saveWork(claim.fence, work, signal);
  return toResult(JSON.parse(work.entry.body) as ToolBody);
}

/** A call as the model wrote it. */
export interface WrittenCall {
  /** Null when the text is no JSON object, or too long to be read. */
  args: Record<string, unknown> | null;
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
      if (entry.step === input.step && call.callId === input.callId) {
        const text = call.arguments;
        const limit = WRITING_TOOLS.includes(call.name) ? MAX_EDIT_CHARS : MAX_ARGUMENT_CHARS;
        const args = text.length > limit ? null : parseJsonObject(text);
        return {
          args,
          shown: args ?? text.slice(0, limit),
          position: index + 1,
          earlier,
          previous,
        };
      }
      if (call.name === input.name) earlier += 1;
    }
  }
  // The row is gone only when the session is; claiming says so with the right error.
  return { args: null, shown: '', position: 0, earlier, previous };
}

/** Claims a call's work; the first claim announces the call. */
export function claimCall(deps: ActivityDeps, input: RunToolInput, call: WrittenCall): Promise<Claim> {
  const { turnId, step, callId, name } = input;
  return deps.store.claimWork({
    turnId,
    key: `call:${callId}`,
    step,
    onFirst: [
      { event: 'status', message: statusForTool(name), step, tool: name },
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

/** What is stored of a finished call, its events included. */
export function toWork(
  deps: ActivityDeps,
  input: RunToolInput,
  call: WrittenCall,
  outcome: ToolOutcome,
): SavedWork {
  const { step, callId, name } = input;
  const result = JSON.stringify(outcome.result);
  // Without the hint, which is there from the second time on.
  const hash = createHash('sha256').update(result).digest('hex').slice(0, 16);
  const content = isSameRefusal(outcome, call.previous)
    ? JSON.stringify({ ...outcome.result, note: SAME_REFUSAL })
    : result;
  const preview = deps.tools.preview(name, call.args) + (outcome.isError ? ' (refused)' : '');
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

/** Whether an edit was refused for the very problems for which the one before it was. */
function isSameRefusal({ isError, result }: ToolOutcome, previous: string | null): boolean {
  const problems = (result as { problems?: Json }).problems;
  if (!isError || problems === undefined || previous === null) return false;
  return jsonEqual((JSON.parse(previous) as { problems?: Json }).problems, problems);
}

async function runOnce(
  deps: ActivityDeps,
  { turnId, name }: RunToolInput,
  call: WrittenCall,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  if (name === SQL_TOOL && call.earlier >= MAX_SQL_CALLS) {
    return toolFailure(
      'budget',
      `A turn may run ${MAX_SQL_CALLS} queries, and has.`,
      'Answer with what you know, or tell the user what you would still look up.',
    );
  }
  const context = await deps.store.loadTurnContext(turnId);
  const outcome = await deps.tools.run(name, call.args, {
    turnId,
    sessionId: context.sessionId,
    workflowId: context.workflowId,
    signal,
    async workingGraph() {
      const { working, aliases } = await deps.store.loadWorkingGraph(turnId);
      return { text: working, aliases: new Map(Object.entries(aliases)) };
    },
  });
  if (JSON.stringify(outcome.result).length > MAX_RESULT_CHARS)
    throw new Error(`the result of ${name} is too large`);
  return outcome;
}

export function toResult(body: ToolBody): RunToolResult {
  return {
    isError: body.isError,
    ...(body.hash === undefined ? {} : { resultHash: body.hash }),
    preview: body.preview,
  };
}
