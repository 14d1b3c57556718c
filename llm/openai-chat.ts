/** The adapter for Chat Completions, the one surface that all OpenAI-compatible servers share. */
import type OpenAI from 'openai';
import { findModel } from '../contracts/models.ts';
import { badResponse, earlyEnd, toModelError, toStreamError } from './openai-errors.ts';
import { isStrictSchema } from './strict-schema.ts';
import type {
  FinishReason,
  ModelClient,
  ModelEvent,
  ModelMessage,
  ModelRequest,
  ModelToolCall,
  ModelUsage,
} from './types.ts';
import { createWatchdog, STREAM_LIMITS, type StreamLimits } from './watchdog.ts';

type Chunk = OpenAI.Chat.Completions.ChatCompletionChunk;
type ChunkToolCall = OpenAI.Chat.Completions.ChatCompletionChunk.Choice.Delta.ToolCall;
type ChatMessage = OpenAI.Chat.Completions.ChatCompletionMessageParam;

const TEMPERATURE = 0.7;

/** Creates the adapter over an SDK client, which must have `maxRetries: 0`. */
export function createChatClient(openai: OpenAI, limits: StreamLimits = STREAM_LIMITS): ModelClient {
  return {
    async *stream(request) {
      const watchdog = createWatchdog(request.signal, limits);
      const answer = createAnswer();
      try {
        const chunks = await openai.chat.completions.create(toChatBody(request), {
          signal: watchdog.signal,
          maxRetries: 0,
        });
        for await (const chunk of chunks) {
          watchdog.alive();
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

/** The request body: a parameter is sent only where the model takes it. */
export function toChatBody(
  request: ModelRequest,
): OpenAI.Chat.Completions.ChatCompletionCreateParamsStreaming {
  const model = findModel(request.model);
  return {
    model: request.model,
    messages: [{ role: 'system', content: request.system }, ...request.messages.map(toChatMessage)],
    tools: request.tools.map(({ name, description, parameters }) => ({
      type: 'function',
      function: { name, description, parameters, strict: isStrictSchema(parameters) },
    })),
    tool_choice: request.toolChoice,
    stream: true,
    stream_options: { include_usage: true },
    ...(model?.temperature ? { temperature: TEMPERATURE } : {}),
    ...(model?.parallelToolCalls ? { parallel_tool_calls: true } : {}),
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
                function: { name: call.name, arguments: call.arguments },
              })),
            }
          : {}),
      };
  }
}

/** Servers add their own fields: llama.cpp, vLLM and Groq share the model's reasoning under these names. */
interface Delta {
  content?: string | null;
  refusal?: string | null;
  reasoning_content?: string | null;
  reasoning?: string | null;
  tool_calls?: ChunkToolCall[];
}

/** Collects calls by index: only the first delta of each carries its id and name. */
function createAnswer() {
  const calls = new Map<number, ModelToolCall>();
  let usage: ModelUsage | null = null;
  let refused = false;
  let text = false;
  let finish: string | null = null;

  const takeCall = function* (delta: ChunkToolCall, place: number): Generator<ModelEvent> {
    const index = delta.index ?? place;
    let call = calls.get(index);
    if (!call) {
      call = { callId: uniqueId(delta.id, index), name: '', arguments: '' };
      calls.set(index, call);
      call.name = delta.function?.name ?? '';
      yield { type: 'tool_call_started', callId: call.callId, name: call.name };
    } else if (call.name === '') call.name = delta.function?.name ?? '';
    const piece = delta.function?.arguments ?? '';
    call.arguments += piece;
    if (piece !== '') yield { type: 'tool_arguments_delta', callId: call.callId, delta: piece };
  };
  const uniqueId = (id: string | undefined, index: number): string => {
    const wanted = id || `call_${index}`;
    return [...calls.values()].some((call) => call.callId === wanted) ? `${wanted}_${index}` : wanted;
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
      const reasoning = delta.reasoning_content ?? delta.reasoning;
      if (reasoning) yield { type: 'reasoning_delta', delta: reasoning };
      if (delta.refusal) {
        refused = true;
        text = true;
        yield { type: 'text_delta', delta: delta.refusal };
      }
      if (delta.content) {
        text = true;
        yield { type: 'text_delta', delta: delta.content };
      }
      for (const [place, call] of (delta.tool_calls ?? []).entries()) yield* takeCall(call, place);
      if (choice.finish_reason) finish = choice.finish_reason;
    },
    *end(): Generator<ModelEvent> {
      if (finish === null) throw earlyEnd(usage);
      if (usage) yield { type: 'usage', usage };
      const reason = toReason(finish, refused, calls.size);
      // Cut off at the limit, the last call's arguments are not what the model meant: none of them is run.
      if (reason === 'length' && (calls.size > 0 || !text)) {
        throw badResponse('ran out of room before its answer was complete', undefined, usage);
      }
      for (const call of reason === 'tool_calls' ? calls.values() : []) yield { type: 'tool_call', call };
      yield { type: 'finish', reason, opaque: null };
    },
  };
}

/** Some servers say `stop` beside tool calls: the calls decide. */
function toReason(finish: string, refused: boolean, calls: number): FinishReason {
  if (finish === 'length') return 'length';
  if (finish === 'content_filter' || refused) return 'refusal';
  return calls > 0 ? 'tool_calls' : 'stop';
}

function toUsage(usage: OpenAI.Completions.CompletionUsage): ModelUsage {
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}
