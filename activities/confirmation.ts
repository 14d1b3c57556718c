/** A call that needs the user's confirmation, in two activities: asking, and settling what was decided. */
import type { AskConfirmationResult, RunToolInput, SettleConfirmationInput } from '../contracts/turn.ts';
import { WAITING_FOR_CONFIRMATION } from '../domain/status-map.ts';
import { runAttempt } from './attempt.ts';
import type { ActivityDeps } from './deps.ts';
import { claimCall, readCall, toWork } from './tools.ts';

/** Creates the two activities. */
export function createConfirmationActivities(deps: ActivityDeps) {
  return {
    /** Asks the user, once. A call that can't be done is answered at once, without a question. */
    async askConfirmation(input: RunToolInput): Promise<AskConfirmationResult> {
      return runAttempt(
        deps,
        () => null,
        ({ signal }) => ask(deps, input, signal),
      );
    },

    /**
     * Does what was decided, and stores the result with it; true when the call is settled. False when nobody has
     * decided yet, which a wake-up without a decision finds.
     */
    async settleConfirmation(input: SettleConfirmationInput): Promise<boolean> {
      return runAttempt(
        deps,
        () => null,
        () => settle(deps, input),
      );
    },
  };
}

async function ask(
  deps: ActivityDeps,
  input: RunToolInput,
  signal: AbortSignal,
): Promise<AskConfirmationResult> {
  const { turnId, step, callId, name } = input;
  const call = await readCall(deps, input);
  const asked = await deps.store.findConfirmation(turnId, callId);
  if (asked) return toWait(asked.expiresAt);
  const claim = await claimCall(deps, input, call);
  if (claim.stored !== null) return { wait: null };

  const { workflowId } = await deps.store.loadTurnContext(turnId);
  const planned = await deps.assets.plan(call.args, { workflowId });
  signal.throwIfAborted();
  if ('refusal' in planned) {
    await deps.store.saveWork(claim.fence, toWork(deps, input, call, planned.refusal), signal);
    return { wait: null };
  }
  const { question } = planned;
  const expiresAt = await deps.store.askConfirmation(claim.fence, {
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
  return toWait(expiresAt);
}

/** A timer can't run backwards, and one of no time at all would not be one. */
function toWait(expiresAt: Date): AskConfirmationResult {
  return { wait: { expiresAt: expiresAt.toISOString(), ms: Math.max(1, expiresAt.getTime() - Date.now()) } };
}

async function settle(deps: ActivityDeps, input: SettleConfirmationInput): Promise<boolean> {
  const call = await readCall(deps, input);
  const claim = await claimCall(deps, input, call);
  if (claim.stored !== null) return true;
  return deps.store.settleConfirmation(claim.fence, {
    wakeUp: input.wakeUp,
    perform: (trx, confirmation) => deps.assets.perform(trx, confirmation),
    toWork: ({ decision, reason }, result) => {
      const work = toWork(deps, input, call, { result, isError: result.status === 'conflict' });
      return {
        ...work,
        events: [
          {
            event: 'confirmation_resolved',
            call_id: input.callId,
            decision,
            ...(reason === null ? {} : { reason }),
          },
          ...work.events,
        ],
      };
    },
  });
}
