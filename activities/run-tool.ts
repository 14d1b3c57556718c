/** runTool: runs one tool call of a turn and stores its result with its events. */
import type { RunToolInput, RunToolResult } from '../contracts/turn.ts';
import type { SavedWork } from '../db/turns/transcript.ts';
import type { Attempt, RunAttempt } from './attempt/attempt.ts';
import { boundCall, lostWorkers, MAX_TOOL_DEATHS, storeCall } from './attempt/bounded.ts';
import { claimCall, noteOf, toWork } from './attempt/tool-call.ts';
import type { ActivityDeps } from './deps.ts';
import { toolFailure, type ToolOutcome } from './tools/tool.ts';
import type { ToolBody } from './conversation/transcript.ts';
import { readCall, type WrittenCall } from './conversation/written-call.ts';

/** Creates the tool activity. */
export function createToolActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  return {
    /**
     * Runs a tool call, or returns its stored result. A failed call is a result with `is_error`, not a failed activity: also
     * when the tool throws, takes too long, or workers are lost with it again and again.
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
  const claim = await claimCall(deps, attempt, input, call);
  if (claim.stored !== null) return toResult(JSON.parse(claim.stored) as ToolBody);

  const limitMs = deps.tools.limits(name).ms;
  const outcome =
    claim.deaths >= MAX_TOOL_DEATHS
      ? { failed: lostWorkers(name, claim.deaths) }
      : await boundCall(deps, { name, turnId, signal, limitMs }, async (limited) => {
          const done = await runOnce(deps, input, call, limited);
          return toWork(deps, input, call, done, await noteOf(deps, input, done));
        });
  signal.throwIfAborted();
  const toFailed = (failed: ToolOutcome): SavedWork => toWork(deps, input, call, failed);
  const work = 'done' in outcome ? outcome.done : toFailed(outcome.failed);
  const body = await storeCall(deps, { fence: claim.fence, name, signal }, work, toFailed);
  return toResult(JSON.parse(body) as ToolBody);
}

async function runOnce(
  deps: ActivityDeps,
  input: RunToolInput,
  call: WrittenCall,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  const refusal = call.refusal ?? (await refuseTooMany(deps, input, call));
  if (refusal) return refusal;
  const { turnId, name } = input;
  const outcome = await deps.tools.run(name, call.args, {
    turnId,
    sessionId: call.sessionId,
    workflowId: call.workflowId,
    signal,
    async workingGraph() {
      const { working, aliases, turnStart } = await deps.store.loadWorkingGraph(turnId);
      return { text: working, aliases: new Map(Object.entries(aliases)), turnStart };
    },
    userMessages: () => deps.store.listUserMessages(turnId),
  });
  if (JSON.stringify(outcome.result).length > deps.tools.limits(name).resultChars)
    throw new Error(`the result of ${name} is too large`);
  return outcome;
}

/** The refusal of a call beyond the number that a turn may make of its tool; null for any other call. */
async function refuseTooMany(
  deps: ActivityDeps,
  input: RunToolInput,
  { earlierInStep }: WrittenCall,
): Promise<ToolOutcome | null> {
  const { calls } = deps.tools.limits(input.name);
  if (calls === null) return null;
  const earlier = earlierInStep + (await deps.store.countEarlierCalls(input));
  if (earlier < calls.atMost) return null;
  return toolFailure(
    'budget',
    `A turn may run ${calls.atMost} ${calls.noun}, and has.`,
    'Answer with what you know, or tell the user what you would still look up.',
  );
}

function toResult(body: ToolBody): RunToolResult {
  return {
    isError: body.isError,
    ...(body.hash === undefined ? {} : { resultHash: body.hash }),
    preview: body.preview,
  };
}
