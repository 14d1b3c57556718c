/** A call that needs the user's confirmation, in two activities: asking, and settling what was decided. */
import type { AskConfirmationResult, RunToolInput, SettleConfirmationInput } from '../contracts/turn.ts';
import type { Confirmation, Decision } from '../db/turns/confirmations.ts';
import type { Fence } from '../db/fence.ts';
import type { SavedWork } from '../db/turns/transcript.ts';
import { WAITING_FOR_CONFIRMATION } from '../domain/text/status-map.ts';
import type { Attempt, RunAttempt } from './attempt/attempt.ts';
import { boundCall, lostWorkers, MAX_TOOL_DEATHS, storeCall } from './attempt/bounded.ts';
import type { ActivityDeps } from './deps.ts';
import { claimCall, toWork } from './run-tool.ts';
import type { ToolOutcome } from './tools/registry.ts';
import { readCall, type WrittenCall } from './conversation/written-call.ts';

/** Creates the two activities. */
export function createConfirmationActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  return {
    /**
     * Asks the user, once. A call that can't be done is answered at once, without a question; so is one that can't be
     * asked, because checking it fails, takes too long or costs workers.
     */
    async askConfirmation(input: RunToolInput): Promise<AskConfirmationResult> {
      return runAttempt((attempt) => ask(deps, input, attempt));
    },

    /**
     * Does what was decided, and stores the result with it; true when the call is settled. False when nobody has
     * decided yet, which a wake-up without a decision finds. What was approved and can't be done ends as a failed result.
     */
    async settleConfirmation(input: SettleConfirmationInput): Promise<boolean> {
      return runAttempt((attempt) => settle(deps, input, attempt));
    },
  };
}

async function ask(
  deps: ActivityDeps,
  input: RunToolInput,
  attempt: Attempt,
): Promise<AskConfirmationResult> {
  const { turnId, callId, name } = input;
  const { signal } = attempt;
  const call = await readCall(deps, input);
  const asked = await deps.store.findConfirmation(turnId, callId);
  if (asked) return toWait(asked.expiresAt);
  const claim = await claimCall(attempt, input, call);
  if (claim.stored !== null) return { wait: null };

  const outcome =
    claim.deaths >= MAX_TOOL_DEATHS
      ? { failed: lostWorkers(name, claim.deaths) }
      : await boundCall(deps, { name, turnId, signal }, () => planAndAsk(deps, input, call, claim.fence));
  const answer = 'done' in outcome ? outcome.done : { refusal: outcome.failed };
  if ('expiresAt' in answer) return toWait(answer.expiresAt);
  signal.throwIfAborted();
  const toRefused = (refusal: ToolOutcome): SavedWork => toWork(deps, input, call, refusal);
  await storeCall(deps, { fence: claim.fence, name, signal }, toRefused(answer.refusal), toRefused);
  return { wait: null };
}

/** Checks the call; writes the question when there is one. */
async function planAndAsk(
  deps: ActivityDeps,
  { turnId, step, callId, name }: RunToolInput,
  call: WrittenCall,
  fence: Fence,
): Promise<{ expiresAt: Date } | { refusal: ToolOutcome }> {
  if (call.refusal) return { refusal: call.refusal };
  const { workflowId } = await deps.store.loadTurnContext(turnId);
  const planned = await deps.assets.plan(call.args, { workflowId });
  if ('refusal' in planned) return planned;
  const { question } = planned;
  const expiresAt = await deps.store.askConfirmation(fence, {
    question,
    ttlMs: deps.confirmationTtlMs,
    events: (expires) => [
      {
        event: 'confirmation_required',
        call_id: callId,
        name,
        arguments: question.arguments,
        summary: question.summary,
        before: question.before,
        after: question.after,
        expires_at: expires.toISOString(),
      },
      { event: 'status', message: WAITING_FOR_CONFIRMATION, step, tool: name },
    ],
  });
  return { expiresAt };
}

/** A timer can't run backwards, and one of no time at all would not be one. */
function toWait(expiresAt: Date): AskConfirmationResult {
  return { wait: { expiresAt: expiresAt.toISOString(), ms: Math.max(1, expiresAt.getTime() - Date.now()) } };
}

async function settle(
  deps: ActivityDeps,
  input: SettleConfirmationInput,
  attempt: Attempt,
): Promise<boolean> {
  const { turnId, name, wakeUp } = input;
  const { signal } = attempt;
  const call = await readCall(deps, input);
  const claim = await claimCall(attempt, input, call);
  if (claim.stored !== null) return true;
  const toSettled = (confirmation: Settled, outcome: ToolOutcome): SavedWork =>
    toSettledWork(toWork(deps, input, call, outcome), input, confirmation);

  const outcome =
    claim.deaths >= MAX_TOOL_DEATHS
      ? { failed: lostWorkers(name, claim.deaths) }
      : await boundCall(deps, { name, turnId, signal, waitsForOthers: true }, () =>
          deps.store.settleConfirmation(claim.fence, {
            wakeUp,
            perform: (trx, confirmation) => deps.assets.perform(trx, confirmation),
            toWork: (confirmation, result) =>
              toSettled(confirmation, { result, isError: result.status === 'conflict' }),
          }),
        );
  if ('done' in outcome) return outcome.done;
  // A transaction that was given up on may be under way still: a claim waits for its end, and finds what it stored.
  const again = await claimCall(attempt, input, call);
  if (again.stored !== null) return true;
  const { failed } = outcome;
  return deps.store.settleConfirmation(again.fence, {
    wakeUp,
    perform: async () => failed.result,
    toWork: (confirmation) => toSettled(confirmation, failed),
  });
}

type Settled = Confirmation & { decision: Decision };

function toSettledWork(work: SavedWork, { callId }: RunToolInput, { decision, reason }: Settled): SavedWork {
  return {
    ...work,
    events: [
      {
        event: 'confirmation_resolved',
        call_id: callId,
        decision,
        ...(reason === null ? {} : { reason }),
      },
      ...work.events,
    ],
  };
}
