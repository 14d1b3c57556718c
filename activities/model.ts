/** callModel: one model call of a turn, streamed into the event log and stored once. */
import { createHash } from 'node:crypto';
import type { CallModelInput, CallModelResult, ModelHeartbeat } from '../contracts/turn.ts';
import type { TurnEvent } from '../contracts/events.ts';
import type { EventStream } from '../db/event-log.ts';
import type { Fence, TurnContext } from '../db/turns.ts';
import type { Graph } from '../domain/graph.ts';
import { parseJsonObject } from '../domain/json.ts';
import { renderWorkflowState } from '../domain/shorten-state.ts';
import { THINKING } from '../domain/status-map.ts';
import { summarizeDiff } from '../domain/summarize-diff.ts';
import type { HistoryEntry } from '../llm/prompt.ts';
import type {
  ModelError,
  ModelEvent,
  ModelMessage,
  ModelToolCall,
  ModelUsage,
  OpaqueParts,
} from '../llm/types.ts';
import { runAttempt } from './attempt.ts';
import type { ActivityDeps } from './deps.ts';
import { createSingleFlight } from './single-flight.ts';
import {
  type AssistantBody,
  hashArguments,
  separatorBefore,
  textBeforeStep,
  toModelMessages,
  uniqueCallIds,
} from './transcript.ts';

const HISTORY_MESSAGES = 20;
const PREVIEW_CHARS = 60;
/** Turns whose unchanging part of the prompt is kept, so that a step need not read and render it again. */
const CACHED_TURNS = 100;

interface PromptParts {
  context: TurnContext;
  history: HistoryEntry[];
  graphText: string;
}

/** Creates the model activity. */
export function createModelActivities(deps: ActivityDeps) {
  const flights = createSingleFlight<CallModelResult>();
  const parts = new Map<string, Promise<PromptParts>>();

  const promptParts = (turnId: string): Promise<PromptParts> => {
    const known = parts.get(turnId);
    if (known) return known;
    const loading = loadPromptParts(deps, turnId);
    parts.set(turnId, loading);
    loading.catch(() => parts.delete(turnId));
    if (parts.size > CACHED_TURNS) parts.delete(parts.keys().next().value!);
    return loading;
  };

  return {
    /**
     * Makes the model call of a step, or returns its stored result. Appends the answer to the event log as it comes.
     * Fails with one of our error codes as its type; retried ones carry the provider's Retry-After.
     */
    async callModel(input: CallModelInput): Promise<CallModelResult> {
      const heartbeat: ModelHeartbeat = { step: input.step, epoch: 0, characters: 0, tokens: 0 };
      return runAttempt(
        deps,
        () => heartbeat,
        (passenger) =>
          flights.join(`${input.turnId}/${input.step}`, passenger, (signal) =>
            performCall(deps, input, promptParts, heartbeat, signal),
          ),
      );
    },
  };
}

async function loadPromptParts(deps: ActivityDeps, turnId: string): Promise<PromptParts> {
  const [context, history] = await Promise.all([
    deps.store.loadTurnContext(turnId),
    deps.store.listHistory(turnId, HISTORY_MESSAGES),
  ]);
  return {
    context,
    history: history.map(({ role, content, workflowDiff, fenceSeed }) => ({
      role,
      content,
      changes: workflowDiff === null ? null : summarizeDiff(workflowDiff),
      fence: fenceToken(fenceSeed ?? context.fenceSeed, 'changes'),
    })),
    graphText: renderWorkflowState({
      graph: JSON.parse(context.baseGraph) as Graph,
      message: context.message,
    }),
  };
}

/** The token of one data fence: the same in every request, or they would share no prefix, and nobody can guess it. */
function fenceToken(seed: string, of: string): string {
  return createHash('sha256').update(`${seed} ${of}`).digest('hex').slice(0, 16);
}

async function performCall(
  deps: ActivityDeps,
  input: CallModelInput,
  promptParts: (turnId: string) => Promise<PromptParts>,
  heartbeat: ModelHeartbeat,
  signal: AbortSignal,
): Promise<CallModelResult> {
  const { turnId, step } = input;
  // Reading goes on while the claim is made: nothing of what is read changes by it.
  const reading = Promise.all([promptParts(turnId), step === 1 ? [] : deps.store.listTranscript(turnId)]);
  reading.catch(() => undefined);
  const claim = await deps.store.claimWork({
    turnId,
    key: `step:${step}`,
    step,
    onFirst: [{ event: 'status', message: THINKING, step }],
    textBefore: async () => textBeforeStep(await deps.store.listTranscript(turnId), step),
  });
  if (claim.stored !== null) return toResult(deps, JSON.parse(claim.stored) as AssistantBody);
  heartbeat.epoch = claim.fence.epoch;
  const [{ context, history, graphText }, transcript] = await reading;
  const earlier = transcript.filter((entry) => entry.step < step);
  const whole = deps.prompt.buildConversation({
    history,
    graphText,
    message: context.message,
    transcript: toModelMessages(earlier, ({ callId, name, content }) =>
      deps.prompt.wrapToolResult(fenceToken(context.fenceSeed, callId), name, content),
    ),
    fence: fenceToken(context.fenceSeed, 'canvas'),
  });

  const stream = deps.events.open(claim.fence);
  const before = textBeforeStep(earlier, step);
  const answer = createAnswer(stream, step, before === '' ? '' : separatorBefore(earlier, step), heartbeat);
  const startedAt = Date.now();
  // A fenced append means that nobody wants this answer any more: stop paying for it.
  const lost = new AbortController();
  const call = AbortSignal.any([signal, lost.signal]);
  try {
    // The canvas and the user's message stand before the transcript: all before them is history.
    const turnStart = whole.length - toModelMessages(earlier, () => '').length - 2;
    const fit = (halved: boolean): ModelMessage[] =>
      deps.prompt.fitContext(whole, {
        model: context.model,
        turnStart,
        tools: deps.tools.definitions,
        halved,
      });
    const ask = async (messages: ModelMessage[]): Promise<void> => {
      for await (const event of deps.model.stream({
        model: context.model,
        system: deps.prompt.system,
        messages,
        tools: deps.tools.definitions,
        toolChoice: input.toolsOff ? 'none' : 'auto',
        cacheKey: context.sessionId,
        signal: call,
      })) {
        call.throwIfAborted();
        answer.take(event, (error) => lost.abort(error));
      }
    };
    const messages = fit(false);
    try {
      await ask(messages);
    } catch (error: unknown) {
      // The estimate was too low. Once, and only while nothing was shown and there is something left to shorten.
      const shorter = isOverflow(error) && answer.isEmpty() ? fit(true) : messages;
      if (textLength(shorter) >= textLength(messages)) throw error;
      await ask(shorter);
    }
    await stream.drain();
  } catch (error: unknown) {
    const spent = answer.usage() ?? (error as Partial<ModelError>).usage ?? null;
    await recordFailedAttempt(deps, claim.fence, context.model, step, spent, startedAt);
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
  await deps.store.saveWork(
    claim.fence,
    {
      entry: { step, position: 0, role: 'assistant', body: JSON.stringify(body) },
      events: [],
      usage: {
        step,
        model: context.model,
        ...(usage ?? NO_USAGE),
        costUsd: usage === null ? null : priceOf(deps, context.model, usage),
        estimated: usage === null,
        latencyMs: Date.now() - startedAt,
      },
    },
    signal,
  );
  return toResult(deps, body);
}

const CUT_TEXT =
  '(Your answer was cut off at its length limit. Go on exactly where it stopped, without repeating anything.)';
const EMPTY = '(Your answer was empty. Answer the user, or use a tool.)';

function isOverflow(error: unknown): boolean {
  return (error as Partial<ModelError> | null)?.code === 'context_overflow';
}

function textLength(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0);
}

const NO_USAGE: ModelUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };

function priceOf(deps: ActivityDeps, model: string, usage: ModelUsage): string | null {
  return deps.costUsd(model, {
    input_tokens: usage.inputTokens,
    cached_tokens: usage.cachedTokens,
    output_tokens: usage.outputTokens,
    cache_write_tokens: usage.cacheWriteTokens ?? 0,
  });
}

/** Collects one streamed answer: what the reader sees at once, what is stored at the end. */
function createAnswer(stream: EventStream, step: number, separator: string, heartbeat: ModelHeartbeat) {
  let text = '';
  let usage: ModelUsage | null = null;
  let finish: { reason: AssistantBody['finish']; opaque: OpaqueParts | null } | null = null;
  const calls: ModelToolCall[] = [];
  const count = (delta: string): void => {
    heartbeat.characters += delta.length;
    heartbeat.tokens = Math.ceil(heartbeat.characters / 4);
  };
  return {
    take(event: ModelEvent, onLost: (error: unknown) => void): void {
      const show = (events: TurnEvent[]): void => void stream.append(events).catch(onLost);
      switch (event.type) {
        case 'text_delta': {
          if (event.delta === '') return;
          const between: TurnEvent[] =
            text === '' && separator !== '' ? [{ event: 'content_delta', step, delta: separator }] : [];
          text += event.delta;
          count(event.delta);
          show([...between, { event: 'content_delta', step, delta: event.delta }]);
          return;
        }
        case 'reasoning_delta':
          show([{ event: 'reasoning_delta', step, delta: event.delta }]);
          return;
        case 'tool_call':
          calls.push(event.call);
          return;
        case 'usage':
          usage = event.usage;
          return;
        case 'finish':
          finish = { reason: event.reason, opaque: event.opaque };
          return;
        case 'tool_arguments_delta':
          // Nothing to show, but whoever waits is told that it grows.
          count(event.delta);
          return;
        case 'tool_call_started':
      }
    },
    usage: () => usage,
    isEmpty: () => text === '' && calls.length === 0 && heartbeat.characters === 0,
    toBody(rename: (calls: ModelToolCall[]) => ModelToolCall[], saidBefore: boolean): AssistantBody {
      if (finish === null) throw new Error('the model stream ended without its finish event');
      // What a refused or filtered answer asks for is not done.
      const toolCalls = finish.reason === 'refusal' ? [] : rename(calls);
      const isEmpty = finish.reason === 'stop' && text === '' && toolCalls.length === 0 && !saidBefore;
      const note = finish.reason === 'length' ? CUT_TEXT : isEmpty ? EMPTY : undefined;
      return {
        content: text,
        toolCalls,
        opaque: finish.opaque,
        finish: finish.reason,
        ...(note === undefined ? {} : { note }),
        inputTokens: usage?.inputTokens ?? 0,
        outputTokens: usage?.outputTokens ?? 0,
      };
    },
  };
}

/** An attempt that failed is on the bill when the provider said what it cost, and noted as estimated when it did not. */
async function recordFailedAttempt(
  deps: ActivityDeps,
  fence: Fence,
  model: string,
  step: number,
  usage: ModelUsage | null,
  startedAt: number,
): Promise<void> {
  await deps.store
    .insertUsage(fence, {
      step,
      model,
      ...(usage ?? NO_USAGE),
      costUsd: usage === null ? null : priceOf(deps, model, usage),
      estimated: usage === null,
      latencyMs: Date.now() - startedAt,
    })
    .catch((error: unknown) =>
      deps.logger.warn({ err: error, turn: fence.turnId }, 'usage of a failed attempt not recorded'),
    );
}

function toResult(deps: ActivityDeps, body: AssistantBody): CallModelResult {
  const names = body.toolCalls.map((call) => call.name).join(', ');
  return {
    finish: body.finish,
    hasText: body.content !== '',
    ...(body.note !== undefined && body.toolCalls.length === 0
      ? { unfinished: body.finish === 'length' ? ('cut' as const) : ('empty' as const) }
      : {}),
    toolCalls: body.toolCalls.map((call) => ({
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
