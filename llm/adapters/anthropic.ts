/**
 * The adapter for Anthropic's Messages API. One file, because the request that it builds and the stream that it reads share
 * one list of content blocks.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { ModelSpec } from '../../models/models.ts';
import type { AdapterOptions } from './adapter-options.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { toAnthropicError } from './anthropic-errors.ts';
import { argumentsOf, toolNameOf } from './past-calls.ts';
import { failure, ranOut } from './provider-errors.ts';
import {
  type FinishReason,
  type ModelClient,
  type ModelEvent,
  type ModelMessage,
  type ModelRequest,
  type ModelToolCall,
  type ModelUsage,
  type OpaqueParts,
} from '../types.ts';
import { readCount } from './usage.ts';
import { createWatchdog } from './watchdog.ts';

type Body = Anthropic.MessageCreateParamsStreaming;
type MessageParam = Anthropic.MessageParam;
type BlockParam = Anthropic.ContentBlockParam;

const PROVIDER = 'anthropic';
/** An answer of more than this is no answer to a person; the models' own limits are higher. */
const MAX_OUTPUT_TOKENS = 32_000;
const CACHE = { type: 'ephemeral' } as const;

/** Creates the adapter over an SDK client, which must have `maxRetries: 0`. */
export function createAnthropicClient(anthropic: Anthropic, options: AdapterOptions): ModelClient {
  return {
    async *stream(request) {
      const model = options.catalogue.find(request.model);
      const watchdog = createWatchdog(request.signal, model, options.limits);
      const answer = createAnswer(request.model);
      try {
        const events = await anthropic
          .withOptions({ fetch: watchdog.fetch })
          .messages.create(toMessagesBody(request, model), {
            signal: watchdog.signal,
            maxRetries: 0,
          });
        for await (const event of events) {
          yield* answer.take(event);
          // What follows the provider's end is nobody's.
          if (answer.isComplete()) break;
        }
        watchdog.signal.throwIfAborted();
        yield* answer.end();
      } catch (error: unknown) {
        throw toAnthropicError(error, watchdog.signal, answer.usage());
      } finally {
        watchdog.stop();
      }
    },
  };
}

/**
 * The request body. Temperature is never sent: the API version that the SDK speaks refuses it for every model. The
 * breakpoints of the cache stand behind the system text (and with it the tools), the session's history, the step before, and the
 * newest block.
 */
export function toMessagesBody(request: ModelRequest, model: ModelSpec | undefined): Body {
  const { messages, endOfHistory } = toMessages(request.messages, request.model, request.sharedMessages ?? 0);
  const before = messages.findLast((message, at) => message.role === 'user' && at < messages.length - 1);
  for (const block of [endOfHistory, lastBlock(before), lastBlock(messages.at(-1))]) markForCache(block);
  return {
    model: request.model,
    max_tokens: Math.min(model?.maxOutputTokens ?? MAX_OUTPUT_TOKENS, MAX_OUTPUT_TOKENS),
    system: [{ type: 'text', text: request.system, cache_control: CACHE }],
    messages,
    tools: request.tools.map(({ name, description, parameters }) => ({
      name,
      description,
      input_schema: parameters as Anthropic.Tool.InputSchema,
    })),
    ...(request.tools.length > 0 ? { tool_choice: { type: request.toolChoice } } : {}),
    stream: true,
  };
}

function lastBlock(message: MessageParam | undefined): BlockParam | undefined {
  return (message?.content as BlockParam[] | undefined)?.at(-1);
}

/** Thinking can't carry a mark; it is never last in a message of the user, nor kept in the history. */
function markForCache(block: BlockParam | undefined): void {
  if (block && block.type !== 'thinking' && block.type !== 'redacted_thinking')
    Object.assign(block, { cache_control: CACHE });
}

/**
 * User and assistant in turn, the user first; the results of an answer's calls together, before any other text.
 * `endOfHistory` is the last block of the first `shared` messages.
 */
function toMessages(
  messages: readonly ModelMessage[],
  model: string,
  shared: number,
): { messages: MessageParam[]; endOfHistory: BlockParam | undefined } {
  let endOfHistory: BlockParam | undefined;
  const result: { role: 'user' | 'assistant'; content: BlockParam[] }[] = [];
  let unanswered: string[] = [];
  const put = (role: 'user' | 'assistant', blocks: BlockParam[]): void => {
    if (blocks.length === 0) return;
    if (result.length === 0 && role === 'assistant')
      result.push({ role: 'user', content: [{ type: 'text', text: '(Earlier messages are left out.)' }] });
    const last = result.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else result.push({ role, content: blocks });
  };
  /** A call without a result makes the whole request invalid. */
  const settle = (): void => {
    put(
      'user',
      unanswered.map((id) => ({
        type: 'tool_result',
        tool_use_id: id,
        content: 'No result: the call was not run.',
        is_error: true,
      })),
    );
    unanswered = [];
  };
  for (const [at, message] of messages.entries()) {
    if (at === shared) endOfHistory = result.at(-1)?.content.at(-1);
    if (message.role === 'tool') {
      unanswered = unanswered.filter((id) => id !== message.callId);
      const { callId, content, isError } = message;
      put('user', [
        {
          type: 'tool_result',
          tool_use_id: callId,
          content: content === '' ? '(nothing)' : content,
          ...(isError ? { is_error: true } : {}),
        },
      ]);
      continue;
    }
    settle();
    if (message.role === 'user')
      put('user', message.content.trim() === '' ? [] : [{ type: 'text', text: message.content }]);
    else {
      put('assistant', toAssistantBlocks(message, model));
      unanswered = message.toolCalls.map((call) => call.callId);
    }
  }
  settle();
  return { messages: result, endOfHistory };
}

/** What is kept of an answer, in the order in which it came. Text and calls are kept by place: their ids may be renamed. */
type KeptPart =
  | { kind: 'thinking'; block: BlockParam }
  | { kind: 'text'; text: string }
  | { kind: 'call'; index: number };

function toAssistantBlocks(
  message: Extract<ModelMessage, { role: 'assistant' }>,
  model: string,
): BlockParam[] {
  const toUse = (call: ModelToolCall): BlockParam => ({
    type: 'tool_use',
    id: call.callId,
    name: toolNameOf(call),
    input: JSON.parse(argumentsOf(call)) as JsonObject,
  });
  const { opaque } = message;
  if (opaque?.provider === PROVIDER && opaque.model === model) {
    return (opaque.items as KeptPart[]).flatMap((part): BlockParam[] => {
      if (part.kind === 'thinking') return [part.block];
      if (part.kind === 'text') return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }];
      const call = message.toolCalls[part.index];
      return call ? [toUse(call)] : [];
    });
  }
  return [
    ...(message.content.trim() === '' ? [] : [{ type: 'text' as const, text: message.content }]),
    ...message.toolCalls.map(toUse),
  ];
}

interface OpenBlock {
  type: string;
  text: string;
  signature: string;
  data: string;
  call: ModelToolCall | null;
}

function createAnswer(model: string) {
  const blocks = new Map<number, OpenBlock>();
  const order: number[] = [];
  let usage: ModelUsage | null = null;
  let stopReason: string | null = null;
  let complete = false;

  const addUsage = (reported: unknown): void => {
    if (typeof reported !== 'object' || reported === null) return;
    const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } =
      reported as Record<string, unknown>;
    const count = (value: unknown, before: number): number => readCount(value) ?? before;
    // The numbers are cumulative, and the last event may leave out what has not changed.
    const written = count(cache_creation_input_tokens, usage?.cacheWriteTokens ?? 0);
    const cached = count(cache_read_input_tokens, usage?.cachedTokens ?? 0);
    const fresh = count(
      input_tokens,
      usage ? usage.inputTokens - usage.cachedTokens - (usage.cacheWriteTokens ?? 0) : 0,
    );
    usage = {
      inputTokens: fresh + written + cached,
      cachedTokens: cached,
      cacheWriteTokens: written,
      outputTokens: count(output_tokens, usage?.outputTokens ?? 0),
      reasoningTokens: 0,
    };
  };

  const take = function* (event: Anthropic.RawMessageStreamEvent): Generator<ModelEvent> {
    switch (event.type) {
      case 'message_start':
        addUsage(event.message?.usage);
        return;
      case 'content_block_start': {
        const start = event.content_block as unknown as JsonObject;
        const block: OpenBlock = { type: textOf(start.type), text: '', signature: '', data: '', call: null };
        blocks.set(event.index, block);
        order.push(event.index);
        if (block.type === 'redacted_thinking') block.data = textOf(start.data);
        if (block.type === 'tool_use') {
          block.call = {
            callId: textOf(start.id) || `call_${event.index}`,
            name: textOf(start.name),
            arguments: '',
          };
          yield { type: 'tool_call_started', callId: block.call.callId, name: block.call.name };
        }
        if (block.type === 'text') yield* addText(block, start.text);
        if (block.type === 'thinking') yield* addThinking(block, start.thinking);
        return;
      }
      case 'content_block_delta': {
        const block = blocks.get(event.index);
        const delta = event.delta as unknown as JsonObject;
        if (!block) return;
        if (delta.type === 'text_delta') yield* addText(block, delta.text);
        else if (delta.type === 'thinking_delta') yield* addThinking(block, delta.thinking);
        else if (delta.type === 'signature_delta') block.signature += textOf(delta.signature);
        else if (delta.type === 'input_json_delta' && block.call && typeof delta.partial_json === 'string') {
          block.call.arguments += delta.partial_json;
          if (delta.partial_json !== '')
            yield { type: 'tool_arguments_delta', callId: block.call.callId, delta: delta.partial_json };
        }
        return;
      }
      case 'message_delta':
        stopReason = event.delta?.stop_reason ?? stopReason;
        addUsage(event.usage);
        return;
      case 'message_stop':
        complete = true;
        return;
      default:
        // Pings, ends of blocks, and events that are newer than this.
        return;
    }
  };

  return {
    usage: () => usage,
    isComplete: () => complete,
    take,
    *end(): Generator<ModelEvent> {
      if (!complete || stopReason === null) throw failure('cutOff', { usage });
      const inOrder = order.map((index) => blocks.get(index)!);
      const calls = inOrder.flatMap((block) => (block.call ? [block.call] : []));
      const hasText = inOrder.some((block) => block.type === 'text' && block.text !== '');
      if (stopReason === 'model_context_window_exceeded') {
        throw failure('tooLong', { usage });
      }
      const cut = stopReason === 'max_tokens';
      if (cut && (calls.length > 0 || !hasText)) throw ranOut(calls.length > 0, usage);
      if (stopReason === 'tool_use' && calls.length === 0) throw failure('missingCall', { usage });
      if (usage) yield { type: 'usage', usage };
      const reason: FinishReason =
        stopReason === 'refusal'
          ? 'refusal'
          : cut || stopReason === 'pause_turn'
            ? 'length'
            : calls.length > 0
              ? 'tool_calls'
              : 'stop';
      if (reason !== 'refusal') for (const call of calls) yield { type: 'tool_call', call };
      yield { type: 'finish', reason, opaque: keep(inOrder, model) };
    },
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function* addText(block: OpenBlock, text: unknown): Generator<ModelEvent> {
  if (typeof text !== 'string' || text === '') return;
  block.text += text;
  yield { type: 'text_delta', delta: text };
}

function* addThinking(block: OpenBlock, text: unknown): Generator<ModelEvent> {
  if (typeof text !== 'string' || text === '') return;
  block.text += text;
  yield { type: 'reasoning_delta', delta: text };
}

/** The answer's parts for the next step; null when there is no thinking, and nothing but text and calls to repeat. */
function keep(blocks: readonly OpenBlock[], model: string): OpaqueParts | null {
  let calls = 0;
  const items = blocks.flatMap((block): KeptPart[] => {
    switch (block.type) {
      case 'thinking':
        return [
          { kind: 'thinking', block: { type: 'thinking', thinking: block.text, signature: block.signature } },
        ];
      case 'redacted_thinking':
        return [{ kind: 'thinking', block: { type: 'redacted_thinking', data: block.data } }];
      case 'text':
        return [{ kind: 'text', text: block.text }];
      case 'tool_use':
        return [{ kind: 'call', index: calls++ }];
      default:
        return [];
    }
  });
  return items.some((item) => item.kind === 'thinking') ? { provider: PROVIDER, model, items } : null;
}
