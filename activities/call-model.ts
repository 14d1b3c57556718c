/** callModel: one model call of a turn, streamed into the event log and stored once. */
import type { TurnEvent } from '../contracts/events.ts';
import type { CallModelInput, CallModelResult } from '../contracts/turn.ts';
import type { EventStream } from '../db/events/event-stream.ts';
import type { Fence } from '../db/fence.ts';
import type { Claim } from '../db/turns/claims.ts';
import type { TranscriptEntry } from '../db/turns/transcript.ts';
import { THINKING } from '../domain/text/status-map.ts';
import type { FittedContext } from '../llm/context/fit-context.ts';
import type { RunAttempt } from './attempt/attempt.ts';
import { resultOf } from './attempt/call-result.ts';
import { openBill, recordUsage, savePaid, type ToUsage } from './attempt/ledger.ts';
import { claimModelCall, createSharedCalls, type ModelCall, streamModel } from './attempt/model-call.ts';
import { isOverflow, spentOn } from './attempt/thrown.ts';
import { type Answer, createAnswer } from './conversation/answer.ts';
import {
  createLoadParts,
  fitPrompt,
  type LoadParts,
  type PromptParts,
  type StepPrompt,
  textLength,
  toStepPrompt,
} from './conversation/step-prompt.ts';
import { toStepResult, toTooLong } from './conversation/step-result.ts';
import {
  type AssistantBody,
  separatorBefore,
  textBeforeStep,
  uniqueCallIds,
} from './conversation/transcript.ts';
import type { ActivityDeps } from './deps.ts';

/** A claimed call whose request fits the model. */
interface ReadyCall {
  input: CallModelInput;
  fence: Fence;
  prompt: StepPrompt;
  fitted: FittedContext;
  stream: EventStream;
  answer: Answer;
  /** Whether steps before this one have shown text. */
  saidBefore: boolean;
  toUsage: ToUsage;
  signal: AbortSignal;
  /** Measures the wait for the turn's first token, once a turn. */
  onFirstToken: () => void;
}

/** Creates the model activity. */
export function createModelActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  const loadParts = createLoadParts(deps);
  const callOnce = createSharedCalls(keyOf, (input: CallModelInput, call) =>
    performCall(deps, loadParts, input, call),
  );
  return {
    /**
     * Makes the model call of a step, or returns its stored result. Appends the answer to the event log as it comes.
     * Returns `tooLong` instead when the history must be summarized first. Fails with one of our error codes as its type;
     * a failure that is retried carries the provider's Retry-After.
     */
    async callModel(input: CallModelInput): Promise<CallModelResult> {
      return runAttempt((attempt) => callOnce(attempt, input));
    },
  };
}

function keyOf({ step }: CallModelInput): string {
  return `step:${step}`;
}

async function performCall(
  deps: ActivityDeps,
  loadParts: LoadParts,
  input: CallModelInput,
  call: ModelCall,
): Promise<CallModelResult> {
  // The prompt is read while the claim is made: the claim changes nothing of what is read.
  const reading = readPrompt(deps, loadParts, input);
  reading.catch(() => undefined);
  const { fence, stored, wasShown } = await claimStep(deps, input, call);
  if (stored !== null)
    return withBudget(deps, input, toStepResult(deps.tools, JSON.parse(stored) as AssistantBody));

  const [parts, transcript] = await reading;
  const prompt = toStepPrompt(deps, input, parts, transcript);
  const fitted = await fitPrompt(deps, prompt, input.squeeze ?? false);
  if (!fitted.fits && prompt.canSummarize) {
    await deps.store.markIdle(fence);
    return toTooLong('counted');
  }

  const onFirstToken = (): void => {
    if (input.step !== 1 || wasShown) return;
    deps.metrics.firstToken.observe((performance.now() - parts.context.createdOnClock) / 1_000);
  };
  const ready = openAnswer(deps, { input, fence, prompt, fitted, onFirstToken }, call);
  try {
    await streamAnswer(deps, ready);
  } catch (error: unknown) {
    const usage = ready.answer.usage() ?? spentOn(error);
    await recordUsage(deps, fence, ready.toUsage(usage, resultOf(error, call.signal)));
    if (!(await mayShorten(deps, ready, error))) throw error;
    await deps.store.releaseClaim(fence);
    return toTooLong('refused');
  }
  return withBudget(deps, input, await storeAnswer(deps, ready));
}

/** Adds the verdict on the budgets to the result of a step after which the turn would go on. */
async function withBudget(
  deps: ActivityDeps,
  { turnId }: CallModelInput,
  result: CallModelResult,
): Promise<CallModelResult> {
  if (result.toolCalls.length === 0 && result.unfinished === undefined) return result;
  return (await deps.isBudgetSpent(turnId)) ? { ...result, budgetSpent: true } : result;
}

/** Reads what the step's prompt is made of. */
function readPrompt(
  deps: ActivityDeps,
  loadParts: LoadParts,
  { turnId, step, summarized = false }: CallModelInput,
): Promise<[PromptParts, TranscriptEntry[]]> {
  return Promise.all([loadParts(turnId, summarized), step === 1 ? [] : deps.store.listTranscript(turnId)]);
}

/** Claims the step; the first claim announces it. */
function claimStep(deps: ActivityDeps, input: CallModelInput, call: ModelCall): Promise<Claim> {
  const { turnId, step, model } = input;
  const label = (id: string): string => deps.catalogue.find(id)?.label ?? id;
  const announceSwitch = (from: string, to: string): TurnEvent[] => [
    { event: 'status', message: `${label(from)} is not available; ${label(to)} goes on.`, step },
  ];
  return claimModelCall(deps, call, {
    turnId,
    key: keyOf(input),
    step,
    onFirst: [{ event: 'status', message: THINKING, step }],
    textBefore: async () => textBeforeStep(await deps.store.listTranscript(turnId), step),
    bill: { step, model, onSwitch: announceSwitch },
  });
}

/** Opens what the call's answer goes into, and starts timing the call. */
function openAnswer(
  deps: ActivityDeps,
  claimed: Pick<ReadyCall, 'input' | 'fence' | 'prompt' | 'fitted' | 'onFirstToken'>,
  { heartbeat, signal }: ModelCall,
): ReadyCall {
  const { prompt, fence } = claimed;
  const { step } = claimed.input;
  const stream = deps.events.open(fence);
  const saidBefore = textBeforeStep(prompt.earlier, step) !== '';
  const separator = saidBefore ? separatorBefore(prompt.earlier, step) : '';
  const answer = createAnswer(stream, step, separator, heartbeat);
  const toUsage = openBill(deps, { step, model: prompt.model, sessionId: prompt.sessionId });
  return { ...claimed, stream, answer, saidBefore, toUsage, signal };
}

/**
 * Streams the model's answer into the event log, no faster than the log takes it. When everything is durable, the usage is
 * recorded too.
 */
async function streamAnswer(
  deps: ActivityDeps,
  { input, fence, prompt, fitted: { messages }, stream, answer, toUsage, signal, onFirstToken }: ReadyCall,
): Promise<void> {
  const { model, request, historyLength, sessionId } = prompt;
  // A fenced append means that a newer attempt makes this call. Stop paying for this one.
  const lost = new AbortController();
  const asked = {
    ...request,
    model,
    messages,
    toolChoice: input.toolsOff ? ('none' as const) : ('auto' as const),
    sharedMessages: historyLength - (request.messages.length - messages.length),
    cacheKey: sessionId,
    signal: AbortSignal.any([signal, lost.signal]),
  };
  const events = streamModel(deps, asked, onFirstToken);
  for await (const event of events) {
    answer.take(event, (error) => lost.abort(error));
    const full = stream.room();
    if (full) await full;
  }
  // The usage row does not wait for the text. When this process dies in between, the cost of the answer is known.
  const usage = answer.usage();
  await Promise.all([stream.drain(), usage && recordUsage(deps, fence, toUsage(usage))]);
}

/** Whether the call may be made again with a shorter request: once, and only while the reader has seen nothing. */
async function mayShorten(
  deps: ActivityDeps,
  { input, answer, prompt, fitted }: ReadyCall,
  error: unknown,
): Promise<boolean> {
  if (!isOverflow(error) || input.squeeze || !answer.isEmpty()) return false;
  const { messages } = await fitPrompt(deps, prompt, true);
  return prompt.canSummarize || textLength(messages) < textLength(fitted.messages);
}

/** Stores the answer with its usage. */
async function storeAnswer(deps: ActivityDeps, ready: ReadyCall): Promise<CallModelResult> {
  const { input, fence, prompt, fitted, answer, saidBefore, toUsage, signal } = ready;
  const { step } = input;
  const used = usedCallIds(prompt);
  const body = answer.toBody((calls) => uniqueCallIds(calls, used, step), saidBefore);
  const reported = answer.usage();
  const usage = toUsage(reported);
  if (reported)
    deps.window.learn(prompt.model, { ...prompt.request, messages: fitted.messages }, reported.inputTokens);
  const entry = { step, position: 0, role: 'assistant', body: JSON.stringify(body) } as const;
  await savePaid(deps, fence, { entry, events: [], usage }, signal);
  return { ...toStepResult(deps.tools, body), latencyMs: usage.latencyMs };
}

/** The call ids of earlier steps. A model may give the same id again. */
function usedCallIds({ earlier }: StepPrompt): Set<string> {
  const answers = earlier.filter((entry) => entry.role === 'assistant');
  return new Set(
    answers.flatMap(({ body }) => (JSON.parse(body) as AssistantBody).toolCalls.map((call) => call.callId)),
  );
}
