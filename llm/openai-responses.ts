/** The adapter for OpenAI's Responses API: stateless (`store: false`), streaming, its retries off. */
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
  ModelUsage,
  OpaqueParts,
} from './types.ts';
import { createWatchdog, STREAM_LIMITS, type StreamLimits } from './watchdog.ts';

type ResponseItem = OpenAI.Responses.ResponseInputItem;
type StreamEvent = OpenAI.Responses.ResponseStreamEvent;

const PROVIDER = 'openai-responses';
const TEMPERATURE = 0.7;

/** Creates the adapter over an SDK client, which must have `maxRetries: 0`. */
export function createResponsesClient(openai: OpenAI, limits: StreamLimits = STREAM_LIMITS): ModelClient {
  return {
    async *stream(request) {
      const watchdog = createWatchdog(request.signal, limits);
      const answer = createAnswer(request.model);
      try {
        const events = await openai.responses.create(toBody(request), {
          signal: watchdog.signal,
          maxRetries: 0,
        });
        for await (const event of events) {
          watchdog.alive();
          yield* answer.take(event);
        }
        // An abort ends the loop without a word.
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
export function toBody(request: ModelRequest): OpenAI.Responses.ResponseCreateParamsStreaming {
  const model = findModel(request.model);
  return {
    model: request.model,
    instructions: request.system,
    input: request.messages.flatMap((message) => toItems(message, request.model)),
    tools: request.tools.map(({ name, description, parameters }) => ({
      type: 'function',
      name,
      description,
      parameters,
      strict: isStrictSchema(parameters),
    })),
    tool_choice: request.toolChoice,
    stream: true,
    store: false,
    ...(model?.temperature ? { temperature: TEMPERATURE } : {}),
    ...(model?.parallelToolCalls ? { parallel_tool_calls: true } : {}),
    ...(model?.reasoningItems ? { include: ['reasoning.encrypted_content'] } : {}),
  };
}

function toItems(message: ModelMessage, model: string): ResponseItem[] {
  switch (message.role) {
    case 'user':
      return [{ role: 'user', content: message.content }];
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.callId, output: message.content }];
    case 'assistant': {
      const calls: ResponseItem[] = message.toolCalls.map((call) => ({
        type: 'function_call',
        call_id: call.callId,
        name: call.name,
        arguments: call.arguments,
      }));
      const said: ResponseItem[] =
        message.content === '' ? [] : [{ role: 'assistant', content: message.content }];
      return [...reasoningOf(message.opaque ?? null, model, said.length + calls.length), ...said, ...calls];
    }
  }
}

/** Reasoning goes back to the model that made it only, and never without the item that it led to. */
function reasoningOf(opaque: OpaqueParts | null, model: string, followers: number): ResponseItem[] {
  const own = opaque !== null && opaque.provider === PROVIDER && opaque.model === model && followers > 0;
  return own ? (opaque.items as ResponseItem[]) : [];
}

/** Turns the provider's events into ours and remembers what the end needs. Calls are told apart by output_index. */
function createAnswer(model: string) {
  const reasoning: ResponseItem[] = [];
  const started = new Map<number, string>();
  let calls = 0;
  let usage: ModelUsage | null = null;
  let refused = false;
  let finish: FinishReason | null = null;

  const takeItem = function* (
    event: Extract<StreamEvent, { type: 'response.output_item.done' }>,
  ): Generator<ModelEvent> {
    const { item } = event;
    if (item.type === 'reasoning') {
      // The whole encrypted content is in this event; `added` carries another, shorter one.
      if (item.encrypted_content) {
        reasoning.push({
          type: 'reasoning',
          id: item.id,
          summary: item.summary,
          encrypted_content: item.encrypted_content,
        });
      }
    } else if (item.type === 'function_call' && item.status !== 'incomplete') {
      calls += 1;
      yield { type: 'tool_call', call: { callId: item.call_id, name: item.name, arguments: item.arguments } };
    }
  };

  return {
    usage: () => usage,
    *take(event: StreamEvent): Generator<ModelEvent> {
      switch (event.type) {
        case 'response.output_text.delta':
          yield { type: 'text_delta', delta: event.delta };
          return;
        case 'response.refusal.delta':
          refused = true;
          yield { type: 'text_delta', delta: event.delta };
          return;
        case 'response.reasoning_summary_text.delta':
        case 'response.reasoning_text.delta':
          yield { type: 'reasoning_delta', delta: event.delta };
          return;
        case 'response.output_item.added':
          if (event.item.type === 'function_call') {
            started.set(event.output_index, event.item.call_id);
            yield { type: 'tool_call_started', callId: event.item.call_id, name: event.item.name };
          }
          return;
        case 'response.function_call_arguments.delta': {
          const callId = started.get(event.output_index);
          if (callId !== undefined) yield { type: 'tool_arguments_delta', callId, delta: event.delta };
          return;
        }
        case 'response.output_item.done':
          yield* takeItem(event);
          return;
        case 'response.completed':
          usage = toUsage(event.response.usage);
          finish = refused ? 'refusal' : calls > 0 ? 'tool_calls' : 'stop';
          return;
        case 'response.incomplete':
          usage = toUsage(event.response.usage);
          finish = event.response.incomplete_details?.reason === 'content_filter' ? 'refusal' : 'length';
          return;
        case 'response.failed':
          usage = toUsage(event.response.usage);
          throw toStreamError(event.response.error ?? {}, usage);
        case 'error': {
          const nested = (event as { error?: { code?: unknown; type?: unknown } }).error;
          throw toStreamError(nested ?? { code: event.code }, usage);
        }
        default:
          // Unknown and uninteresting events are passed over: providers add new ones.
          return;
      }
    },
    *end(): Generator<ModelEvent> {
      if (finish === null) throw earlyEnd(usage);
      if (usage) yield { type: 'usage', usage };
      if (calls === 0 && finish === 'length')
        throw badResponse('ran out of room before its answer was complete', undefined, usage);
      const opaque = reasoning.length === 0 ? null : { provider: PROVIDER, model, items: reasoning };
      yield { type: 'finish', reason: finish, opaque };
    },
  };
}

function toUsage(usage: OpenAI.Responses.ResponseUsage | undefined | null): ModelUsage | null {
  if (!usage) return null;
  return {
    inputTokens: usage.input_tokens,
    cachedTokens: usage.input_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage.output_tokens,
    reasoningTokens: usage.output_tokens_details?.reasoning_tokens ?? 0,
  };
}
