/** askConfirmation: asks the user before a call of a confirmed tool. */
import type { AskConfirmationResult, RunToolInput } from '../contracts/turn.ts';
import type { Fence } from '../db/fence.ts';
import type { SavedWork } from '../db/turns/transcript.ts';
import { WAITING_FOR_CONFIRMATION } from '../domain/text/status-map.ts';
import type { Attempt, RunAttempt } from './attempt/attempt.ts';
import { boundCall, lostWorkers, MAX_TOOL_DEATHS, storeCall } from './attempt/bounded.ts';
import { claimCall, toWork } from './attempt/tool-call.ts';
import { readCall, type WrittenCall } from './conversation/written-call.ts';
import type { ActivityDeps } from './deps.ts';
import type { ToolOutcome } from './tools/tool.ts';

/** Creates the activity that asks. */
export function createAskActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  return {
    /**
     * Writes the question of a call, once. A call that can't be made is refused at once, without a question. So is a call
     * whose check fails, takes too long or has lost workers.
     */
    async askConfirmation(input: RunToolInput): Promise<AskConfirmationResult> {
      return runAttempt((attempt) => ask(deps, input, attempt));
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
  const claim = await claimCall(deps, attempt, input, call);
  if (claim.stored !== null) return { wait: null };

  const outcome =
    claim.deaths >= MAX_TOOL_DEATHS
      ? { failed: lostWorkers(name, claim.deaths) }
      : await boundCall(deps, { name, turnId, signal, limitMs: deps.tools.limits(name).ms }, () =>
          planAndAsk(deps, input, call, claim.fence),
        );
  const answer = 'done' in outcome ? outcome.done : { refusal: outcome.failed };
  if ('expiresAt' in answer) return toWait(answer.expiresAt);
  signal.throwIfAborted();
  const toRefused = (refusal: ToolOutcome): SavedWork => toWork(deps, input, call, refusal);
  await storeCall(deps, { fence: claim.fence, name, signal }, toRefused(answer.refusal), toRefused);
  return { wait: null };
}

/** Checks the call. Writes its question, or returns the refusal. */
async function planAndAsk(
  deps: ActivityDeps,
  { step, callId, name }: RunToolInput,
  call: WrittenCall,
  fence: Fence,
): Promise<{ expiresAt: Date } | { refusal: ToolOutcome }> {
  if (call.refusal) return { refusal: call.refusal };
  const planned = await deps.tools.plan(name, call.args, { workflowId: call.workflowId });
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

/** Temporal timers need at least 1 ms. */
function toWait(expiresAt: Date): AskConfirmationResult {
  return { wait: { expiresAt: expiresAt.toISOString(), ms: Math.max(1, expiresAt.getTime() - Date.now()) } };
}
