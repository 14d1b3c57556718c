/** callModel: one model call of a turn, streamed into the event log and stored once. */
import type { CallModelInput, CallModelResult } from '../contracts/turn.ts';
import type { TurnEvent } from '../contracts/events.ts';
import type { TurnContext } from '../db/turns/turn-context.ts';
import { MAX_TOOL_CALLS } from '../contracts/limits.ts';
import { parseJsonObject } from '../domain/text/json.ts';
import { THINKING } from '../domain/text/status-map.ts';
import type { FittedContext } from '../llm/context/fit-context.ts';
import type { ModelError, ModelMessage } from '../llm/types.ts';
import { createAnswer } from './conversation/answer.ts';
import type { RunAttempt, Work } from './attempt/attempt.ts';
import { createByteCache } from './conversation/byte-cache.ts';
import { type ModelAttempt, refuseDeadly, runModelAttempt } from './attempt/model-attempt.ts';
import type { ActivityDeps } from './deps.ts';
import { fenceToken, toHistory } from './conversation/history.ts';
import { openBill, recordUsage, savePaid } from './attempt/ledger.ts';
import { createSingleFlight } from './attempt/single-flight.ts';
import {
  type AssistantBody,
  hashArguments,
  separatorBefore,
  textBeforeStep,
  toModelMessages,
  uniqueCallIds,
} from './conversation/transcript.ts';

const PREVIEW_CHARS = 60;
/** Of turns, the unchanging part of the prompt is kept, so that a step need not read and render it again. */
const CACHED_TURNS = 100;
const CACHED_BYTES = 64 * 1024 * 1024;

interface PromptParts {
  context: Omit<TurnContext, 'baseGraph'>;
  /** What was said before the turn. */
  history: ModelMessage[];
  /** Whether it is more than its first message: a summary could take the place of the rest. */
  isLong: boolean;
  graphText: string;
}

/** Creates the model activity. */
export function createModelActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  const flights = createSingleFlight<CallModelResult, Work>();
  const parts = createByteCache({ maxBytes: CACHED_BYTES, maxEntries: CACHED_TURNS, sizeOf: bytesOf });
  const promptParts: LoadParts = (turnId, summarized) =>
    parts.get(`${turnId}/${summarized}`, () => loadPromptParts(deps, turnId));

  return {
    /**
     * Makes the model call of a step, or returns its stored result. Appends the answer to the event log as it comes.
     * Says `tooLong` instead when the history must be summarized first. Fails with one of our error codes as its type;
     * retried ones carry the provider's Retry-After.
     */
    async callModel(input: CallModelInput): Promise<CallModelResult> {
      return runModelAttempt(runAttempt, flights, `step:${input.step}`, input, (attempt) =>
        performCall(deps, input, promptParts, attempt),
      );
    },
  };
}

/** A character is two bytes at most. */
function bytesOf({ context, history, graphText }: PromptParts): number {
  return 2 * (context.message.length + graphText.length + textLength(history));
}

type LoadParts = (turnId: string, summarized: boolean) => Promise<PromptParts>;

async function loadPromptParts(deps: ActivityDeps, turnId: string): Promise<PromptParts> {
  const [{ baseGraph, ...context }, loaded] = await Promise.all([
    deps.store.loadTurnContext(turnId),
    deps.store.loadHistory(turnId),
  ]);
  return {
    context,
    history: deps.prompt.buildHistory(toHistory(loaded)),
    isLong: loaded.messages.length > 1,
    graphText: await deps.heavy.renderState({ graph: baseGraph, message: context.message }),
  };
}

async function performCall(
  deps: ActivityDeps,
  input: CallModelInput,
  promptParts: LoadParts,
  { claim: claimWork, heartbeat, signal }: ModelAttempt,
): Promise<CallModelResult> {
  const { turnId, step } = input;
  // Reading goes on while the claim is made: nothing of what is read changes by it.
  const reading = Promise.all([
    promptParts(turnId, input.summarized ?? false),
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
  if (claim.stored !== null) return toResult(deps, JSON.parse(claim.stored) as AssistantBody);
  await refuseDeadly(deps, claim);
  heartbeat.epoch = claim.fence.epoch;
  const [{ context, history, isLong, graphText }, transcript] = await reading;
  const model = input.model ?? context.model;
  const earlier = transcript.filter((entry) => entry.step < step);
  const request = {
    system: deps.prompt.system,
    tools: deps.tools.definitions,
    messages: deps.prompt.buildConversation({
      history,
      graphText,
      message: context.message,
      transcript: toModelMessages(earlier, ({ callId, name, content }) =>
        deps.prompt.wrapToolResult(fenceToken(context.fenceSeed, callId), name, content),
      ),
      fence: fenceToken(context.fenceSeed, 'canvas'),
    }),
  };
  const canSummarize = isLong && !input.summarized;
  const fit = (squeeze: boolean): Promise<FittedContext> =>
    deps.window.fit(model, request, {
      turnStart: history.length,
      dropHistory: !canSummarize,
      squeeze,
    });
  const fitted = await fit(input.squeeze ?? false);
  if (!fitted.fits && canSummarize) {
    await deps.store.markIdle(claim.fence);
    return tooLong('counted');
  }

  const stream = deps.events.open(claim.fence);
  const before = textBeforeStep(earlier, step);
  const answer = createAnswer(stream, step, before === '' ? '' : separatorBefore(earlier, step), heartbeat);
  const toUsage = openBill(deps, { step, model, sessionId: context.sessionId });
  // A fenced append means that nobody wants this answer any more: stop paying for it.
  const lost = new AbortController();
  const call = AbortSignal.any([signal, lost.signal]);
  try {
    for await (const event of deps.model.stream({
      ...request,
      model,
      messages: fitted.messages,
      toolChoice: input.toolsOff ? 'none' : 'auto',
      sharedMessages: history.length - (request.messages.length - fitted.messages.length),
      cacheKey: context.sessionId,
      signal: call,
    })) {
      // A report that has come is taken, whoever wants the answer.
      if (event.type !== 'usage') call.throwIfAborted();
      answer.take(event, (error) => lost.abort(error));
      const full = stream.room();
      if (full) await full;
    }
    // The bill does not wait for the text: should this process die in between, it is known what the answer cost.
    const heard = answer.usage();
    await Promise.all([stream.drain(), heard && recordUsage(deps, claim.fence, toUsage(heard))]);
  } catch (error: unknown) {
    const spent = answer.usage() ?? (error as Partial<ModelError>).usage ?? null;
    await recordUsage(deps, claim.fence, toUsage(spent));
    // Once, only while nothing was shown, and only when there is something to take away.
    if (isOverflow(error) && !input.squeeze && answer.isEmpty()) {
      const { messages } = await fit(true);
      if (canSummarize || textLength(messages) < textLength(fitted.messages)) {
        await deps.store.releaseClaim(claim.fence);
        return tooLong('refused');
      }
    }
    throw error;
  }

  const used = new Set(
    earlier.flatMap((entry) =>
      entry.role === 'assistant'
        ? (JSON.parse(entry.body) as AssistantBody).toolCalls.map((c) => c.callId)
        : [],
    ),
  );
  const body = answer.toBody((calls) => uniqueCallIds(calls, used, step), before !== '');
  const usage = answer.usage();
  const billed = toUsage(usage);
  if (usage) deps.window.learn(model, { ...request, messages: fitted.messages }, usage.inputTokens);
  await savePaid(
    deps,
    claim.fence,
    {
      entry: { step, position: 0, role: 'assistant', body: JSON.stringify(body) },
      events: [],
      usage: billed,
    },
    signal,
  );
  return { ...toResult(deps, body), latencyMs: billed.latencyMs };
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

function isOverflow(error: unknown): boolean {
  return (error as Partial<ModelError> | null)?.code === 'context_overflow';
}

function textLength(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0);
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
    })),
    inputTokens: body.inputTokens,
    outputTokens: body.outputTokens,
    preview:
      names === '' ? `answer of ${body.content.length} characters` : `calls ${names}`.slice(0, PREVIEW_CHARS),
  };
}
