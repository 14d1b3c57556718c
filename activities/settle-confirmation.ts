/** settleConfirmation: acts on the decision about a call and stores the call's result. */
import type { RunToolInput, SettleConfirmationInput } from '../contracts/turn.ts';
import type { Confirmation, Decision } from '../db/turns/confirmations.ts';
import type { SavedWork } from '../db/turns/transcript.ts';
import type { Attempt, RunAttempt } from './attempt/attempt.ts';
import { boundCall, lostWorkers, MAX_TOOL_DEATHS } from './attempt/bounded.ts';
import { claimCall, toWork } from './attempt/tool-call.ts';
import { readCall } from './conversation/written-call.ts';
import type { ActivityDeps } from './deps.ts';
import type { ToolOutcome } from './tools/tool.ts';

/** Creates the activity that settles. */
export function createSettleActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  return {
    /**
     * Acts on the decision and stores the result in the same transaction. Returns true when the call is settled, false when
     * nobody has decided yet. An approved change that can't be made ends as a failed result.
     */
    async settleConfirmation(input: SettleConfirmationInput): Promise<boolean> {
      return runAttempt((attempt) => settle(deps, input, attempt));
    },
  };
}

async function settle(
  deps: ActivityDeps,
  input: SettleConfirmationInput,
  attempt: Attempt,
): Promise<boolean> {
  const { turnId, name, wakeUp } = input;
  const { signal } = attempt;
  const call = await readCall(deps, input);
  const claim = await claimCall(deps, attempt, input, call);
  if (claim.stored !== null) return true;
  const toSettled = (confirmation: Settled, outcome: ToolOutcome): SavedWork =>
    toSettledWork(toWork(deps, input, call, outcome), input, confirmation);

  const outcome =
    claim.deaths >= MAX_TOOL_DEATHS
      ? { failed: lostWorkers(name, claim.deaths) }
      : await boundCall(
          deps,
          { name, turnId, signal, limitMs: deps.tools.limits(name).ms, waitsForOthers: true },
          () =>
            deps.store.settleConfirmation(claim.fence, {
              wakeUp,
              perform: (trx, confirmation) => deps.tools.perform(name, trx, confirmation),
              toWork: (confirmation, result) =>
                toSettled(confirmation, { result, isError: result.status === 'conflict' }),
            }),
        );
  if ('done' in outcome) return outcome.done;
  // The first transaction may still be running. A new claim waits for its end and finds what it stored.
  const again = await claimCall(deps, attempt, input, call);
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
