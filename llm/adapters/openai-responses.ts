/** The adapter for OpenAI's Responses API: stateless (`store: false`), streaming, without the SDK's retries. */
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
  OpaqueParts,
} from '../types.ts';
import { countOf, partOf } from './usage.ts';
import { createWatchdog } from './watchdog.ts';
import { wireArguments, wireText } from './wire-text.ts';

type ResponseItem = OpenAI.Responses.ResponseInputItem;
type StreamEvent = OpenAI.Responses.ResponseStreamEvent;

const PROVIDER = 'openai-responses';

/** Creates the adapter over an SDK client, which must have `maxRetries: 0`. */
export function createResponsesClient(openai: OpenAI, options: AdapterOptions): ModelClient {
  return {
    async *stream(request) {
      const model = options.catalogue.find(request.model);
      const watchdog = createWatchdog(request.signal, model, options.limits);
      const answer = createAnswer(request.model);
      try {
        const events = await openai
          .withOptions({ fetch: watchdog.fetch })
          .responses.create(toBody(request, model, options.sendsCacheKey), {
            signal: watchdog.signal,
            maxRetries: 0,
          });
        for await (const event of events) {
          yield* answer.take(event);
          // Nothing is read after the provider's end: some servers keep the connection open.
          if (answer.isComplete()) break;
        }
        // After an abort the SDK ends the loop without an error.
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
export function toBody(
  request: ModelRequest,
  model: ModelSpec | undefined,
  sendsCacheKey = false,
): OpenAI.Responses.ResponseCreateParamsStreaming {
  return {
    model: request.model,
    instructions: request.system,
    input: request.messages.flatMap((message) => toItems(message, request.model)),
    ...(request.tools.length > 0
      ? {
          tools: request.tools.map(({ name, description, parameters }) => ({
            type: 'function' as const,
            name,
            description,
            // strict is always sent: without it the API turns strict on and rewrites the schema.
            ...schemaFor(parameters, model?.strictSchemas ?? false),
          })),
        }
      : {}),
    stream: true,
    store: false,
    ...sharedParameters(request, model, sendsCacheKey),
    ...(model?.reasoningEffort
      ? { reasoning: { effort: model.reasoningEffort as OpenAI.ReasoningEffort } }
      : {}),
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
        name: toolNameOf(call),
        arguments: argumentsOf(call),
      }));
      const said: ResponseItem[] =
        message.content === '' ? [] : [{ role: 'assistant', content: message.content }];
      const items = [...said, ...calls];
      const reasoning = reasoningOf(message.opaque ?? null, model);
      return items.flatMap((item, index) => [
        ...reasoning.filter((part) => part.before === index).map((part) => part.item),
        item,
      ]);
    }
  }
}

/** A reasoning item, and how many items of its answer (the message, each call) came before it. */
interface PlacedReasoning {
  before: number;
  item: ResponseItem;
}

/** The reasoning items of an earlier answer. Only the model that wrote them gets them back; for another there are none. */
function reasoningOf(opaque: OpaqueParts | null, model: string): PlacedReasoning[] {
  const own = opaque !== null && opaque.provider === PROVIDER && opaque.model === model;
  return own ? (opaque.items as PlacedReasoning[]) : [];
}

/** Turns the provider's events into ours and collects the answer for its end. Calls are told apart by output_index. */
function createAnswer(model: string) {
  const reasoning: PlacedReasoning[] = [];
  const started = new Map<number, string>();
  const calls: ModelToolCall[] = [];
  let text = false;
  let cutCall = false;
  let usage: ModelUsage | null = null;
  let refused = false;
  let finish: FinishReason | null = null;

  const takeItem = ({
    item,
    output_index,
  }: Extract<StreamEvent, { type: 'response.output_item.done' }>): void => {
    if (item.type === 'reasoning') {
      // The whole encrypted content is in this event; `added` carries another, shorter one.
      if (item.encrypted_content) {
        // The id is dropped: it names a stored item, and the provider stores nothing (`store: false`).
        const { summary, encrypted_content } = item;
        reasoning.push({
          before: (text ? 1 : 0) + calls.length,
          item: { type: 'reasoning', summary, encrypted_content } as ResponseItem,
        });
      }
    } else if (item.type === 'function_call') {
      // A call that was cut off also comes with `done` events. Its status shows that it was cut.
      if (item.status === 'incomplete') cutCall = true;
      else {
        const callId = started.get(output_index) ?? toCallId(item, output_index);
        calls.push({ callId, name: wireText(item.name), arguments: wireArguments(item.arguments) });
      }
    }
  };
  const say = function* (delta: unknown): Generator<ModelEvent> {
    const said = wireText(delta);
    if (said === '') return;
    text = true;
    yield { type: 'text_delta', delta: said };
  };
  const takeEnd = ({ response }: { response: OpenAI.Responses.Response }, cut: boolean): void => {
    usage = toUsage(response.usage);
    if (cut) finish = response.incomplete_details?.reason === 'content_filter' ? 'refusal' : 'length';
    else finish = refused ? 'refusal' : calls.length > 0 ? 'tool_calls' : 'stop';
  };

  return {
    isComplete: () => finish !== null,
    usage: () => usage,
    *take(event: StreamEvent): Generator<ModelEvent> {
      switch (event.type) {
        case 'response.output_text.delta':
          yield* say(event.delta);
          return;
        case 'response.refusal.delta':
          refused = true;
          yield* say(event.delta);
          return;
        case 'response.reasoning_summary_text.delta':
        case 'response.reasoning_text.delta':
          yield { type: 'reasoning_delta', delta: wireText(event.delta) };
          return;
        case 'response.output_item.added':
          if (event.item.type === 'function_call') {
            const callId = toCallId(event.item, event.output_index);
            started.set(event.output_index, callId);
            yield { type: 'tool_call_started', callId, name: wireText(event.item.name) };
          }
          return;
        case 'response.function_call_arguments.delta': {
          const callId = started.get(event.output_index);
          if (callId !== undefined)
            yield { type: 'tool_arguments_delta', callId, delta: wireText(event.delta) };
          return;
        }
        case 'response.output_item.done':
          takeItem(event);
          return;
        case 'response.completed':
          takeEnd(event, event.response.status === 'incomplete');
          return;
        case 'response.incomplete':
          takeEnd(event, true);
          return;
        case 'response.failed':
          usage = toUsage(event.response.usage);
          throw toStreamError(event.response.error ?? {}, usage);
        case 'error': {
          const nested = (event as { error?: { code?: unknown; type?: unknown } }).error;
          throw toStreamError(nested ?? { code: event.code }, usage);
        }
        default:
          // Unknown and unused events are skipped, because providers add new ones.
          return;
      }
    },
    *end(): Generator<ModelEvent> {
      if (finish === null) throw failure('cutOff', { usage });
      if (usage) yield { type: 'usage', usage };
      const called = calls.length > 0 || cutCall;
      if (finish === 'length' && (called || !text)) throw ranOut(called, usage);
      for (const call of finish === 'tool_calls' ? calls : []) yield { type: 'tool_call', call };
      const opaque = reasoning.length === 0 ? null : { provider: PROVIDER, model, items: reasoning };
      yield { type: 'finish', reason: finish, opaque };
    },
  };
}

function toCallId(item: OpenAI.Responses.ResponseFunctionToolCall, outputIndex: number): string {
  return wireText(item.call_id) || wireText(item.id) || `call_${outputIndex}`;
}

function toUsage(usage: OpenAI.Responses.ResponseUsage | undefined | null): ModelUsage | null {
  if (!usage) return null;
  const [inputTokens, outputTokens] = [countOf(usage.input_tokens), countOf(usage.output_tokens)];
  return {
    inputTokens,
    cachedTokens: partOf(inputTokens, usage.input_tokens_details?.cached_tokens),
    outputTokens,
    reasoningTokens: partOf(outputTokens, usage.output_tokens_details?.reasoning_tokens),
  };
}
