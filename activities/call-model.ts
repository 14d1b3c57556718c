/** callModel: one model call of a turn, streamed into the event log and stored once. */
import type { TurnEvent } from '../contracts/events.ts';
import { MAX_TOOL_CALLS } from '../contracts/limits.ts';
import type { CallModelInput, CallModelResult, ToolCallRef } from '../contracts/turn.ts';
import type { EventStream } from '../db/events/event-stream.ts';
import { parseJsonObject } from '../domain/text/json.ts';
import { THINKING } from '../domain/text/status-map.ts';
import type { FittedContext } from '../llm/context/fit-context.ts';
import type { RunAttempt } from './attempt/attempt.ts';
import { openBill, recordUsage, savePaid } from './attempt/ledger.ts';
import { createModelAttempts, type ModelAttempt, refuseDeadly } from './attempt/model-attempt.ts';
import { isOverflow, spentOn } from './attempt/thrown.ts';
import { type Answer, createAnswer } from './conversation/answer.ts';
import {
  createLoadParts,
  fitPrompt,
  type LoadParts,
  type StepPrompt,
  textLength,
  toStepPrompt,
} from './conversation/step-prompt.ts';
import {
  type AssistantBody,
  hashArguments,
  separatorBefore,
  textBeforeStep,
  uniqueCallIds,
} from './conversation/transcript.ts';
import type { ActivityDeps } from './deps.ts';

const PREVIEW_CHARS = 60;

/** Creates the model activity. */
export function createModelActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  const runOnce = createModelAttempts<CallModelResult>(runAttempt);
  const loadParts = createLoadParts(deps);
  return {
    /**
     * Makes the model call of a step, or returns its stored result. Appends the answer to the event log as it comes.
     * Says `tooLong` instead when the history must be summarized first. Fails with one of our error codes as its type;
     * retried ones carry the provider's Retry-After.
     */
    async callModel(input: CallModelInput): Promise<CallModelResult> {
      return runOnce(`step:${input.step}`, input, (attempt) => performCall(deps, input, loadParts, attempt));
    },
  };
}

async function performCall(
  deps: ActivityDeps,
  input: CallModelInput,
  loadParts: LoadParts,
  { claim: claimWork, heartbeat, signal }: ModelAttempt,
): Promise<CallModelResult> {
  const { turnId, step } = input;
  // Reading goes on while the claim is made: the claim changes nothing of what is read.
  const reading = Promise.all([
    loadParts(turnId, input.summarized ?? false),
    step === 1 ? [] : deps.store.listTranscript(turnId),
  ]);
  reading.catch(() => undefined);
  const claim = await claimWork({
    turnId,
    key: `step:${step}`,
    step,
    onFirst: [{ event: 'status', message: THINKING, step }],
    textBefore: async () => textBeforeStep(await deps.store.listTranscript(turnId), step),
    bill: { step, model: input.model, onSwitch: announceSwitch(deps, step) },
  });
  const { fence } = claim;
  if (claim.stored !== null) return toResult(deps, JSON.parse(claim.stored) as AssistantBody);
  await refuseDeadly(deps, claim);
  heartbeat.epoch = fence.epoch;

  const [parts, transcript] = await reading;
  const prompt = toStepPrompt(deps, input, parts, transcript);
  const fitted = await fitPrompt(deps, prompt, input.squeeze ?? false);
  if (!fitted.fits && prompt.canSummarize) {
    await deps.store.markIdle(fence);
    return tooLong('counted');
  }

  const stream = deps.events.open(fence);
  const before = textBeforeStep(prompt.earlier, step);
  const separator = before === '' ? '' : separatorBefore(prompt.earlier, step);
  const answer = createAnswer(stream, step, separator, heartbeat);
  const toUsage = openBill(deps, { step, model: prompt.model, sessionId: prompt.sessionId });
  try {
    await streamAnswer(deps, { input, prompt, fitted, signal }, answer, stream);
    // The usage row does not wait for the text: should this process die in between, the cost of the answer is known.
    const heard = answer.usage();
    await Promise.all([stream.drain(), heard && recordUsage(deps, fence, toUsage(heard))]);
  } catch (error: unknown) {
    const spent = answer.usage() ?? spentOn(error);
    await recordUsage(deps, fence, toUsage(spent));
    // Once, and only while nothing was shown.
    const mayShorten = isOverflow(error) && !input.squeeze && answer.isEmpty();
    if (mayShorten && (await canShorten(deps, prompt, fitted))) {
      await deps.store.releaseClaim(fence);
      return tooLong('refused');
    }
    throw error;
  }

  const used = usedCallIds(prompt);
  const body = answer.toBody((calls) => uniqueCallIds(calls, used, step), before !== '');
  const usage = answer.usage();
  const billed = toUsage(usage);
  if (usage)
    deps.window.learn(prompt.model, { ...prompt.request, messages: fitted.messages }, usage.inputTokens);
  const entry = { step, position: 0, role: 'assistant', body: JSON.stringify(body) } as const;
  await savePaid(deps, fence, { entry, events: [], usage: billed }, signal);
  return { ...toResult(deps, body), latencyMs: billed.latencyMs };
}

/** Makes the call and hands its events to the answer, no faster than the event log takes them. */
async function streamAnswer(
  deps: ActivityDeps,
  {
    input,
    prompt: { model, request, historyLength, sessionId },
    fitted: { messages },
    signal,
  }: { input: CallModelInput; prompt: StepPrompt; fitted: FittedContext; signal: AbortSignal },
  answer: Answer,
  stream: EventStream,
): Promise<void> {
  // A fenced append means that nobody wants this answer any more: stop paying for it.
  const lost = new AbortController();
  const call = AbortSignal.any([signal, lost.signal]);
  for await (const event of deps.model.stream({
    ...request,
    model,
    messages,
    toolChoice: input.toolsOff ? 'none' : 'auto',
    sharedMessages: historyLength - (request.messages.length - messages.length),
    cacheKey: sessionId,
    signal: call,
  })) {
    // A usage report that has come is taken, whoever wants the answer.
    if (event.type !== 'usage') call.throwIfAborted();
    answer.take(event, (error) => lost.abort(error));
    const full = stream.room();
    if (full) await full;
  }
}

/** Whether a request that the provider finds too long can still lose something. */
async function canShorten(deps: ActivityDeps, prompt: StepPrompt, fitted: FittedContext): Promise<boolean> {
  const { messages } = await fitPrompt(deps, prompt, true);
  return prompt.canSummarize || textLength(messages) < textLength(fitted.messages);
}

/** The call ids of the steps before: a model may give one twice. */
function usedCallIds({ earlier }: StepPrompt): Set<string> {
  const answers = earlier.filter((entry) => entry.role === 'assistant');
  return new Set(
    answers.flatMap(({ body }) => (JSON.parse(body) as AssistantBody).toolCalls.map((call) => call.callId)),
  );
}

function tooLong(tooLong: 'counted' | 'refused'): CallModelResult {
  return { tooLong, finish: 'stop', toolCalls: [], inputTokens: 0, outputTokens: 0, preview: 'too long' };
}

function announceSwitch(deps: ActivityDeps, step: number): (from: string, to: string) => TurnEvent[] {
  const label = (id: string): string => deps.catalogue.find(id)?.label ?? id;
  return (from, to) => [
    { event: 'status', message: `${label(from)} is not available; ${label(to)} goes on.`, step },
  ];
}

function toResult(deps: ActivityDeps, body: AssistantBody): CallModelResult {
  const names = body.toolCalls.map((call) => call.name).join(', ');
  return {
    finish: body.finish,
    hasText: body.content !== '',
    ...(body.note !== undefined && body.toolCalls.length === 0
      ? { unfinished: body.finish === 'length' ? ('cut' as const) : ('empty' as const) }
      : {}),
    // One more than a turn may make ends it: of a thousand calls, the history need not hold the rest.
    toolCalls: body.toolCalls.slice(0, MAX_TOOL_CALLS + 1).map((call) => ({
      callId: call.callId,
      name: call.name.slice(0, 64),
      argumentsHash: hashArguments(call.arguments),
      preview: deps.tools.preview(call.name, parseJsonObject(call.arguments)),
      ...toTraits(deps, call.name),
    })),
    inputTokens: body.inputTokens,
    outputTokens: body.outputTokens,
    preview:
      names === '' ? `answer of ${body.content.length} characters` : `calls ${names}`.slice(0, PREVIEW_CHARS),
  };
}

function toTraits(deps: ActivityDeps, name: string): Pick<ToolCallRef, 'traits'> {
  const traits = deps.tools.traits(name);
  return traits === null ? {} : { traits };
}
