/** The adapter for Chat Completions, the API that all OpenAI-compatible servers have. */
import type OpenAI from 'openai';
import type { ModelSpec } from '../../models/models.ts';
import type { AdapterOptions } from './adapter-options.ts';
import { toModelError, toStreamError } from './openai-errors.ts';
import { sharedParameters } from './openai-parameters.ts';
import { argumentsOf, toolNameOf } from './past-calls.ts';
import { failure, ranOut } from './provider-errors.ts';
import { schemaFor } from './strict-schema.ts';
import type {
  FinishReason,
  ModelClient,
  ModelEvent,
  ModelMessage,
  ModelRequest,
  ModelToolCall,
  ModelUsage,
} from '../types.ts';
import { countOf, partOf } from './usage.ts';
import { createWatchdog } from './watchdog.ts';
import { wireArguments, wireText } from './wire-text.ts';

type Chunk = OpenAI.Chat.Completions.ChatCompletionChunk;
type ChunkToolCall = OpenAI.Chat.Completions.ChatCompletionChunk.Choice.Delta.ToolCall;
type ChatMessage = OpenAI.Chat.Completions.ChatCompletionMessageParam;

/** Creates the adapter over an SDK client, which must have `maxRetries: 0`. */
export function createChatClient(openai: OpenAI, options: AdapterOptions): ModelClient {
  return {
    async *stream(request) {
      const model = options.catalogue.find(request.model);
      const watchdog = createWatchdog(request.signal, model, options.limits);
      const answer = createAnswer();
      try {
        const chunks = await openai
          .withOptions({ fetch: watchdog.fetch })
          .chat.completions.create(toChatBody(request, model, options.sendsCacheKey), {
            signal: watchdog.signal,
            maxRetries: 0,
          });
        for await (const chunk of chunks) {
          yield* answer.take(chunk);
        }
        watchdog.signal.throwIfAborted();
        yield* answer.end();
      } catch (error: unknown) {
        throw toModelError(error, watchdog.signal, answer.usage());
      } finally {
        watchdog.stop();
      }
    },
  };
}

/** The request body. A parameter is sent only when the model takes it. */
export function toChatBody(
  request: ModelRequest,
  model: ModelSpec | undefined,
  sendsCacheKey = false,
): OpenAI.Chat.Completions.ChatCompletionCreateParamsStreaming {
  return {
    model: request.model,
    messages: [{ role: 'system', content: request.system }, ...request.messages.map(toChatMessage)],
    ...(request.tools.length > 0
      ? {
          tools: request.tools.map(({ name, description, parameters: schema }) => {
            const { parameters, strict } = schemaFor(schema, model?.strictSchemas ?? false);
            return {
              type: 'function' as const,
              function: { name, description, parameters, ...(model?.strictSchemas ? { strict } : {}) },
            };
          }),
        }
      : {}),
    stream: true,
    stream_options: { include_usage: true },
    ...sharedParameters(request, model, sendsCacheKey),
    ...(model?.reasoningEffort ? { reasoning_effort: model.reasoningEffort as OpenAI.ReasoningEffort } : {}),
  };
}

function toChatMessage(message: ModelMessage): ChatMessage {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: message.content };
    case 'tool':
      return { role: 'tool', tool_call_id: message.callId, content: message.content };
    case 'assistant':
      return {
        role: 'assistant',
        content: message.content === '' && message.toolCalls.length > 0 ? null : message.content,
        ...(message.toolCalls.length > 0
          ? {
              tool_calls: message.toolCalls.map((call) => ({
                id: call.callId,
                type: 'function' as const,
                function: { name: toolNameOf(call), arguments: argumentsOf(call) },
              })),
            }
          : {}),
      };
  }
}

/** A delta with fields that servers add: llama.cpp, vLLM and Groq send the model's reasoning under these names. */
interface Delta {
  content?: string | null;
  refusal?: string | null;
  reasoning_content?: string | null;
  reasoning?: string | null;
  tool_calls?: ChunkToolCall[];
}

/** A call that is still being streamed, with the id that its server gave it. */
interface OpenCall extends ModelToolCall {
  serverId: string;
}

/** Collects an answer. Calls are told apart by index, because only the first delta of a call has its id and name. */
function createAnswer() {
  const calls: OpenCall[] = [];
  /** The newest call of each index. */
  const open = new Map<number, OpenCall>();
  let usage: ModelUsage | null = null;
  let refused = false;
  let text = false;
  let finish: string | null = null;

  const takeCall = function* (delta: ChunkToolCall, place: number): Generator<ModelEvent> {
    const index = delta.index ?? place;
    const name = wireText(delta.function?.name);
    const id = wireText(delta.id);
    let call = open.get(index);
    if (!call || startsAnother(call, id, name)) {
      call = { callId: uniqueId(id), serverId: id, name, arguments: '' };
      open.set(index, call);
      calls.push(call);
      yield { type: 'tool_call_started', callId: call.callId, name };
    } else if (call.name === '') call.name = name;
    const piece = wireArguments(delta.function?.arguments);
    call.arguments += piece;
    if (piece !== '') yield { type: 'tool_arguments_delta', callId: call.callId, delta: piece };
  };
  /** Some servers give every call the index 0, or none. For them, a delta with another id and a name begins another call. */
  const startsAnother = (call: OpenCall, id: string, name: string): boolean =>
    name !== '' && id !== '' && id !== call.serverId;
  const uniqueId = (id: string): string => {
    const wanted = id || `call_${calls.length}`;
    return calls.some((call) => call.callId === wanted) ? `${wanted}_${calls.length}` : wanted;
  };

  return {
    usage: () => usage,
    *take(chunk: Chunk): Generator<ModelEvent> {
      const fault = (chunk as { error?: { code?: unknown; type?: unknown } }).error;
      if (fault) throw toStreamError(fault, usage);
      if (chunk.usage) {
        usage = toUsage(chunk.usage);
      }
      const choice = chunk.choices?.[0];
      if (!choice) return;
      const delta = (choice.delta ?? {}) as Delta;
      const reasoning = wireText(delta.reasoning_content ?? delta.reasoning);
      if (reasoning) yield { type: 'reasoning_delta', delta: reasoning };
      const refusal = wireText(delta.refusal);
      if (refusal !== '') refused = true;
      for (const said of [refusal, wireText(delta.content)]) {
        if (said === '') continue;
        text = true;
        yield { type: 'text_delta', delta: said };
      }
      for (const [place, call] of (delta.tool_calls ?? []).entries()) yield* takeCall(call, place);
      if (choice.finish_reason) finish = choice.finish_reason;
    },
    *end(): Generator<ModelEvent> {
      if (finish === null) throw failure('cutOff', { usage });
      // Gateways end a stream this way when the server behind them failed.
      if (finish === 'error') throw toStreamError({}, usage);
      if (usage) yield { type: 'usage', usage };
      const reason = toReason(finish, refused, calls.length);
      if (reason === 'length' && (calls.length > 0 || !text)) throw ranOut(calls.length > 0, usage);
      for (const { callId, name, arguments: args } of reason === 'tool_calls' ? calls : []) {
        yield { type: 'tool_call', call: { callId, name, arguments: args } };
      }
      yield { type: 'finish', reason, opaque: null };
    },
  };
}

/** The finish reason. Some servers say `stop` although there are tool calls, so the calls decide. */
function toReason(finish: string, refused: boolean, calls: number): FinishReason {
  if (finish === 'length') return 'length';
  if (finish === 'content_filter' || refused) return 'refusal';
  return calls > 0 ? 'tool_calls' : 'stop';
}

function toUsage(usage: OpenAI.Completions.CompletionUsage): ModelUsage {
  const [inputTokens, outputTokens] = [countOf(usage.prompt_tokens), countOf(usage.completion_tokens)];
  return {
    inputTokens,
    cachedTokens: partOf(inputTokens, usage.prompt_tokens_details?.cached_tokens),
    outputTokens,
    reasoningTokens: partOf(outputTokens, usage.completion_tokens_details?.reasoning_tokens),
  };
}
