/** runTool: one tool call of a turn, run once and stored with its events. */
import { createHash } from 'node:crypto';
import type { RunToolInput, RunToolResult } from '../contracts/turn.ts';
import { MAX_SQL_CALLS, type ToolName } from '../contracts/names.ts';
import type { Claim } from '../db/turns/claims.ts';
import type { SavedWork } from '../db/turns/transcript.ts';
import type { Json } from '../domain/text/json-value.ts';
import { jsonEqual } from '../domain/text/json.ts';
import { ANALYZING, statusForTool } from '../domain/text/status-map.ts';
import type { Attempt, RunAttempt } from './attempt/attempt.ts';
import { boundCall, lostWorkers, MAX_TOOL_DEATHS, storeCall } from './attempt/bounded.ts';
import type { ActivityDeps } from './deps.ts';
import { toolFailure, type ToolOutcome } from './tools/registry.ts';
import { MAX_RESULT_CHARS } from './tools/fit-result.ts';
import type { ToolBody } from './conversation/transcript.ts';
import { readCall, type WrittenCall } from './conversation/written-call.ts';

/** A reader is shown this much of a result; the model and GET messages get all of it. */
const READABLE_CHARS = 2_000;
const SAME_REFUSAL =
  'These are the same problems as last time. Do not send the same edit again: change what the problems name, or tell the user what is missing.';
const SQL_TOOL: ToolName = 'execute_public_sql';

/** Creates the tool activity. */
export function createToolActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  return {
    /**
     * Runs a tool call, or returns its stored result. A tool's own failure is a result, not a failed activity: so is one
     * that throws, one that takes too long, and one with which workers are lost again and again.
     */
    async runTool(input: RunToolInput): Promise<RunToolResult> {
      return runAttempt((attempt) => performTool(deps, input, attempt));
    },
  };
}

async function performTool(
  deps: ActivityDeps,
  input: RunToolInput,
  attempt: Attempt,
): Promise<RunToolResult> {
  const { turnId, name } = input;
  const { signal } = attempt;
  const call = await readCall(deps, input);
  const claim = await claimCall(attempt, input, call);
  if (claim.stored !== null) return toResult(JSON.parse(claim.stored) as ToolBody);

  const outcome =
    claim.deaths >= MAX_TOOL_DEATHS
      ? { failed: lostWorkers(name, claim.deaths) }
      : await boundCall(deps, { name, turnId, signal }, async (limited) =>
          toWork(deps, input, call, await runOnce(deps, input, call, limited)),
        );
  signal.throwIfAborted();
  const toFailed = (failed: ToolOutcome): SavedWork => toWork(deps, input, call, failed);
  const work = 'done' in outcome ? outcome.done : toFailed(outcome.failed);
  const body = await storeCall(deps, { fence: claim.fence, name, signal }, work, toFailed);
  return toResult(JSON.parse(body) as ToolBody);
}

/** Claims a call's work; the first claim announces the call. */
export function claimCall(attempt: Attempt, input: RunToolInput, call: WrittenCall): Promise<Claim> {
  const { turnId, step, callId, name } = input;
  return attempt.claim({
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
  if (call.refusal) return call.refusal;
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
