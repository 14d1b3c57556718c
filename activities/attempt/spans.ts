/**
 * The spans of model calls and tool calls, by OpenTelemetry's conventions for generative AI. They hold no text of users,
 * models or tools, unless `traceContent` asks for the messages. What has the shape of a secret is hidden in them.
 */
import { type Attributes, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { TRACER } from '../../contracts/names.ts';
import { hideInText } from '../../domain/text/hide-secrets.ts';
import type { ModelEvent, ModelRequest, ModelToolCall } from '../../llm/types.ts';
import type { ActivityDeps } from '../deps.ts';
import { resultOf } from './call-result.ts';

export interface ModelSpan {
  see(event: ModelEvent): void;
  /** The answer has begun. */
  begin(afterSeconds: number): void;
  fail(error: unknown): void;
  /** Must be called once. */
  end(): void;
}

/** Opens the span of a model call, as a part of the span that is active now. */
export function openModelSpan(
  { catalogue, traceContent }: Pick<ActivityDeps, 'catalogue' | 'traceContent'>,
  request: ModelRequest,
): ModelSpan {
  const { model, signal } = request;
  const span = trace.getTracer(TRACER).startSpan(`chat ${model}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': catalogue.find(model)?.provider ?? 'unknown',
      'gen_ai.request.model': model,
      'gen_ai.output.type': 'text',
      ...(request.cacheKey === undefined ? {} : { 'gen_ai.conversation.id': request.cacheKey }),
    },
  });
  const withContent = traceContent && span.isRecording();
  if (withContent) span.setAttributes(questionOf(request));
  const answer = { text: '', calls: [] as ModelToolCall[], finish: '' };
  return {
    see(event) {
      if (event.type === 'usage') {
        const { inputTokens, cachedTokens, outputTokens, reasoningTokens } = event.usage;
        span.setAttributes({
          'gen_ai.usage.input_tokens': inputTokens,
          'gen_ai.usage.cache_read.input_tokens': cachedTokens,
          'gen_ai.usage.output_tokens': outputTokens,
          'gen_ai.usage.reasoning.output_tokens': reasoningTokens,
        });
      }
      if (event.type === 'finish') {
        answer.finish = event.reason;
        span.setAttribute('gen_ai.response.finish_reasons', [event.reason]);
      }
      if (!withContent) return;
      if (event.type === 'text_delta') answer.text += event.delta;
      if (event.type === 'tool_call') answer.calls.push(event.call);
    },
    begin(afterSeconds) {
      span.setAttribute('gen_ai.response.time_to_first_chunk', afterSeconds);
    },
    fail(error) {
      span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', resultOf(error, signal));
    },
    end() {
      if (withContent) span.setAttribute('gen_ai.output.messages', answerOf(answer));
      span.end();
    },
  };
}

/** Runs a tool call in a span of its own. */
export function inToolSpan<T>(tool: string, run: () => Promise<T>): Promise<T> {
  const attributes = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': tool,
    'gen_ai.tool.type': 'function',
  };
  return trace.getTracer(TRACER).startActiveSpan(`execute_tool ${tool}`, { attributes }, async (span) => {
    try {
      return await run();
    } catch (error: unknown) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

function questionOf({ system, messages }: ModelRequest): Attributes {
  const input = messages.map((message) => {
    const text = toText(message.content);
    if (message.role === 'tool')
      return {
        role: 'tool',
        parts: [{ type: 'tool_call_response', id: message.callId, response: text.content }],
      };
    if (message.role === 'user') return { role: 'user', parts: [text] };
    return { role: 'assistant', parts: [text, ...message.toolCalls.map(toPart)] };
  });
  return {
    'gen_ai.system_instructions': JSON.stringify([toText(system)]),
    'gen_ai.input.messages': JSON.stringify(input),
  };
}

function answerOf({ text, calls, finish }: { text: string; calls: ModelToolCall[]; finish: string }): string {
  const parts = [...(text === '' ? [] : [toText(text)]), ...calls.map(toPart)];
  return JSON.stringify([{ role: 'assistant', parts, finish_reason: finish }]);
}

function toPart({ callId, name, arguments: args }: ModelToolCall) {
  return { type: 'tool_call', id: callId, name, arguments: hideInText(args) };
}

function toText(content: string) {
  return { type: 'text', content: hideInText(content) };
}
