/**
 * The turn: what happens next, and nothing else. Activities do the work, Postgres holds the documents;
 * this history holds ids and small facts. Imports values only from domain/, Temporal and the constants of contracts/.
 */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createActivities } from '../activities/index.ts';
import { type ErrorCode, FALLBACK_CODES, isErrorCode } from '../contracts/errors.ts';
import {
  LOOP_LIMIT,
  MAX_CONTINUATIONS,
  MAX_MODEL_MS,
  MAX_STEPS,
  MAX_TOOL_CALLS,
} from '../contracts/limits.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/names.ts';
import type {
  CallModelInput,
  CallModelResult,
  ChatTurnInput,
  ChatTurnResult,
  FinishTurnInput,
  RunToolInput,
  SettleConfirmationInput,
  ToolCallRef,
  TurnProgress,
  Unfinished,
} from '../contracts/turn.ts';
import { ANALYZING, THINKING, WAITING_FOR_CONFIRMATION } from '../domain/text/status-map.ts';
import { cancelSignal, confirmSignal, progressQuery } from './messages.ts';
import { traitsOf } from './tool-traits.ts';

type Activities = ReturnType<typeof createActivities>;
type Outcome = FinishTurnInput['outcome'];

// A dead worker is noticed by its missing heartbeat. Attempts are not counted here, for they count outages and deploys
// too: each activity counts in its claim what its own call did, and ends as a result or as a typed error.
const { callModel, summarizeHistory } = proxyActivities<Activities>({
  startToCloseTimeout: '11 minutes',
  heartbeatTimeout: '4 seconds',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});
const { runTool, askConfirmation, settleConfirmation, finishTurn } = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  heartbeatTimeout: '4 seconds',
  retry: { initialInterval: '200ms', maximumInterval: '5s' },
});
const modelKey = defineSearchAttributeKey(SEARCH_ATTRIBUTES.model, SearchAttributeType.KEYWORD);
const statusKey = defineSearchAttributeKey(SEARCH_ATTRIBUTES.status, SearchAttributeType.KEYWORD);

/** Runs one chat turn to its terminal event. */
export async function chatTurn(input: ChatTurnInput): Promise<ChatTurnResult> {
  const { turnId } = input;
  const progress: TurnProgress = {
    turnId,
    status: 'running',
    step: 1,
    activity: THINKING,
    modelCalls: 0,
    toolCalls: 0,
    pendingConfirmation: null,
  };
  const turn = new CancellationScope();
  setHandler(progressQuery, () => progress);
  const decided = new Set<string>();
  setHandler(confirmSignal, (signal) => {
    if (signal.turnId === turnId) decided.add(signal.callId);
  });
  setHandler(cancelSignal, (signal) => {
    if (signal.turnId === turnId) turn.cancel();
  });

  let outcome: Outcome;
  try {
    outcome = await turn.run(() => react(input, progress, decided));
  } catch (error: unknown) {
    outcome = isCancellation(error)
      ? { kind: 'complete', stopReason: 'cancelled' }
      : { kind: 'error', ...failureOf(error) };
  }
  progress.status = 'finishing';
  const finished = await CancellationScope.nonCancellable(() =>
    finishTurn.executeWithOptions({ summary: describeOutcome(outcome) }, [
      { turnId, steps: progress.step, outcome },
    ]),
  );
  progress.status = finished.status;
  if (input.searchAttributes) upsertSearchAttributes([{ key: statusKey, value: finished.status }]);
  setCurrentDetails(
    `${describeOutcome(outcome)} after ${progress.modelCalls} model calls, ${progress.toolCalls} tool calls`,
  );
  return { status: finished.status, stopReason: finished.stopReason, steps: progress.step };
}

/** The ReAct loop: a model call, its tool calls, the next step; until the model answers or a limit ends it. */
async function react(input: ChatTurnInput, progress: TurnProgress, decided: Set<string>): Promise<Outcome> {
  const { turnId } = input;
  const how: How = {};
  let modelMs = 0;
  const repeats = { call: '', count: 0 };
  const patience: Record<Unfinished, number> = { ...MAX_CONTINUATIONS };
  for (let step = 1; step <= MAX_STEPS; step++) {
    progress.step = step;
    progress.activity = step === 1 ? THINKING : ANALYZING;
    setCurrentDetails(`Step **${step}** of ${MAX_STEPS}: model call ${progress.modelCalls + 1}`);
    const toolsOff = step === MAX_STEPS;
    const answer = await ask(input, { turnId, step, toolsOff }, how);
    progress.modelCalls += 1;
    modelMs += answer.latencyMs ?? 0;
    if (toolsOff) return { kind: 'complete', stopReason: 'step_limit' };
    if (answer.toolCalls.length === 0) {
      const { unfinished } = answer;
      if (unfinished === undefined) return ended(answer);
      if (answer.budgetSpent) return { kind: 'complete', stopReason: 'budget' };
      if (patience[unfinished]-- === 0) return gaveUp(unfinished);
      continue;
    }
    if (progress.toolCalls + answer.toolCalls.length > MAX_TOOL_CALLS || modelMs > MAX_MODEL_MS)
      return { kind: 'complete', stopReason: 'budget' };

    let looping = false;
    for (const batch of toBatches(answer.toolCalls)) {
      progress.activity = traitsOf(batch[0]!).status;
      setCurrentDetails(
        `Step **${step}** of ${MAX_STEPS}: ${batch.map((call) => `\`${call.name}\``).join(', ')}`,
      );
      const results = await Promise.all(
        batch.map(async (ref) => {
          const { callId, name, preview } = ref;
          const call = { turnId, step, callId, name };
          if (!traitsOf(ref).confirmed) return runTool.executeWithOptions({ summary: preview }, [call]);
          await confirm(call, preview, progress, decided);
        }),
      );
      progress.toolCalls += batch.length;
      batch.forEach((call, index) => {
        looping ||= isLoop(`${call.name} ${call.argumentsHash} ${results[index]?.resultHash}`, repeats);
      });
    }
    if (looping) return { kind: 'complete', stopReason: 'loop' };
    if (answer.budgetSpent) return { kind: 'complete', stopReason: 'budget' };
  }
  throw new Error('unreachable: the last step returns');
}

/** How the turn's model calls are made, once something has gone wrong: it stays so to the turn's end. */
type How = Pick<CallModelInput, 'model' | 'summarized' | 'squeeze'>;

/**
 * The model call of a step. What is too long is summarized once and cut once; a model that fails for good gives way to
 * the fallback model, where one is configured.
 */
async function ask(
  { model, fallbackModel, searchAttributes }: ChatTurnInput,
  call: CallModelInput,
  how: How,
): Promise<CallModelResult> {
  for (;;) {
    try {
      const summary = `step ${call.step}${how.model === undefined ? '' : `, ${how.model}`}`;
      const answer = await callModel.executeWithOptions({ summary }, [{ ...call, ...how }]);
      if (answer.tooLong === undefined) return answer;
      if (answer.tooLong === 'refused') how.squeeze = true;
      if (!how.summarized) await summarize(call, how);
    } catch (error: unknown) {
      const next = how.model === undefined && fallbackModel !== model ? fallbackModel : undefined;
      if (next === undefined || !FALLBACK_CODES.has(failureOf(error).code)) throw error;
      how.model = next;
      if (searchAttributes) upsertSearchAttributes([{ key: modelKey, value: next }]);
    }
  }
}

/** A summary that can't be had is no reason to end a turn: history is cut then. */
async function summarize({ turnId, step }: CallModelInput, how: How): Promise<void> {
  how.summarized = true;
  try {
    await summarizeHistory.executeWithOptions({ summary: 'summarize the history' }, [
      { turnId, step, ...(how.model === undefined ? {} : { model: how.model }) },
    ]);
  } catch (error: unknown) {
    if (isCancellation(error)) throw error;
  }
}

/**
 * Asks the user and waits, holding nothing but a timer. Whoever decides writes the row first; the signal, the timer and
 * a cancellation only wake this up to read it. Asking and settling are not cancelled: what is asked gets an answer.
 */
async function confirm(
  call: RunToolInput,
  preview: string,
  progress: TurnProgress,
  decided: Set<string>,
): Promise<void> {
  const { wait } = await CancellationScope.nonCancellable(() =>
    askConfirmation.executeWithOptions({ summary: `ask: ${preview}` }, [call]),
  );
  if (!wait) return;
  progress.activity = WAITING_FOR_CONFIRMATION;
  progress.pendingConfirmation = { callId: call.callId, expiresAt: wait.expiresAt };
  setCurrentDetails(`Waiting for the user until ${wait.expiresAt}: \`${preview}\``);
  const until = Date.now() + wait.ms;
  try {
    for (let settled = false, cancelled: unknown = null; !settled; ) {
      let wakeUp: SettleConfirmationInput['wakeUp'];
      try {
        const told = await condition(() => decided.has(call.callId), Math.max(1, until - Date.now()));
        wakeUp = told ? 'decided' : 'expired';
      } catch (error: unknown) {
        if (!isCancellation(error)) throw error;
        cancelled = error;
        wakeUp = 'cancelled';
      }
      decided.delete(call.callId);
      settled = await CancellationScope.nonCancellable(() =>
        settleConfirmation.executeWithOptions({ summary: `settle: ${preview}` }, [{ ...call, wakeUp }]),
      );
      if (settled && cancelled !== null) throw cancelled;
    }
  } finally {
    progress.pendingConfirmation = null;
    progress.activity = ANALYZING;
  }
}

/** Calls in their order: a run of reading ones is one batch, a writing one is a batch of its own. */
function toBatches(calls: ToolCallRef[]): ToolCallRef[][] {
  const batches: ToolCallRef[][] = [];
  let reading: ToolCallRef[] | null = null;
  for (const call of calls) {
    if (traitsOf(call).order === 'writing') {
      batches.push([call]);
      reading = null;
    } else if (reading) {
      reading.push(call);
    } else {
      batches.push((reading = [call]));
    }
  }
  return batches;
}

/** Counts equal calls in a row, over steps and within one; true once the limit is met. */
function isLoop(call: string, repeats: { call: string; count: number }): boolean {
  repeats.count = call === repeats.call ? repeats.count + 1 : 1;
  repeats.call = call;
  return repeats.count >= LOOP_LIMIT;
}

/** A refusal without a word would look like nothing happened. */
function ended({ finish, hasText }: CallModelResult): Outcome {
  if (finish === 'refusal' && hasText === false)
    return { kind: 'error', code: 'model_refused', message: 'The model refused to answer this request.' };
  return { kind: 'complete', stopReason: 'done' };
}

function gaveUp(unfinished: Unfinished): Outcome {
  return unfinished === 'cut'
    ? { kind: 'complete', stopReason: 'budget' }
    : {
        kind: 'error',
        code: 'model_bad_response',
        message: 'The model gave an empty answer. Please try again.',
      };
}

/** A failed activity carries one of our codes as its type; anything else is an internal fault. */
function failureOf(error: unknown): { code: ErrorCode; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type))
    return { code: cause.type, message: cause.message };
  return {
    code: 'internal',
    message: 'The copilot failed unexpectedly. What it did so far is kept; please try again.',
  };
}

function describeOutcome(outcome: Outcome): string {
  return outcome.kind === 'complete' ? `complete: ${outcome.stopReason}` : `error: ${outcome.code}`;
}
