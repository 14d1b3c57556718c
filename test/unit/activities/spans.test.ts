/** What a span of a model call holds, with and without the wish for its content. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { openModelSpan } from '../../../activities/attempt/spans.ts';
import { createCatalogue } from '../../../models/catalogue.ts';
import { ModelError, type ModelEvent, type ModelRequest } from '../../../llm/types.ts';

const exporter = new InMemorySpanExporter();
const catalogue = createCatalogue({ openai: true, anthropic: true });
const request: ModelRequest = {
  model: 'gpt-4o',
  system: 'be kind',
  messages: [
    { role: 'user', content: 'hello' },
    { role: 'assistant', content: '', toolCalls: [{ callId: 'c', name: 'look', arguments: '{}' }] },
    { role: 'tool', callId: 'c', content: 'seen', isError: false },
  ],
  tools: [],
  toolChoice: 'auto',
  cacheKey: 'session',
  signal: new AbortController().signal,
};
const events: ModelEvent[] = [
  { type: 'text_delta', delta: 'Good ' },
  { type: 'text_delta', delta: 'day' },
  { type: 'usage', usage: { inputTokens: 9, cachedTokens: 4, outputTokens: 3, reasoningTokens: 1 } },
  { type: 'finish', reason: 'stop', opaque: null },
];

function spanOf(traceContent: boolean, error?: unknown, asked = request) {
  const span = openModelSpan({ catalogue, traceContent }, asked);
  for (const event of events) span.see(event);
  span.begin(0.5);
  if (error !== undefined) span.fail(error);
  span.end();
  return exporter.getFinishedSpans()[0]!;
}

const FACTS = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o',
  'gen_ai.output.type': 'text',
  'gen_ai.conversation.id': 'session',
  'gen_ai.usage.input_tokens': 9,
  'gen_ai.usage.cache_read.input_tokens': 4,
  'gen_ai.usage.output_tokens': 3,
  'gen_ai.usage.reasoning.output_tokens': 1,
  'gen_ai.response.finish_reasons': ['stop'],
  'gen_ai.response.time_to_first_chunk': 0.5,
};

// A suite: many test files share a process, and these tests set what is global to it.
describe('the span of a model call', () => {
  before(() =>
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
    ),
  );
  beforeEach(() => exporter.reset());
  after(() => trace.disable());

  test('without the wish for it, a span holds no content', () => {
    const { name, attributes } = spanOf(false);
    assert.equal(name, 'chat gpt-4o');
    assert.deepEqual({ ...attributes }, FACTS);
  });

  test('with it, the messages and the answer', () => {
    const { attributes } = spanOf(true);
    const read = (key: string): unknown => JSON.parse(attributes[key] as string);
    assert.deepEqual(read('gen_ai.system_instructions'), [{ type: 'text', content: 'be kind' }]);
    assert.deepEqual(read('gen_ai.input.messages'), [
      { role: 'user', parts: [{ type: 'text', content: 'hello' }] },
      {
        role: 'assistant',
        parts: [
          { type: 'text', content: '' },
          { type: 'tool_call', id: 'c', name: 'look', arguments: '{}' },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c', response: 'seen' }] },
    ]);
    assert.deepEqual(read('gen_ai.output.messages'), [
      { role: 'assistant', parts: [{ type: 'text', content: 'Good day' }], finish_reason: 'stop' },
    ]);
  });

  test('what has the shape of a secret is hidden in the content', () => {
    const key = 'sk-canary-0123456789abcdef';
    const call = { callId: 'c', name: 'look', arguments: JSON.stringify({ key }) };
    const messages: ModelRequest['messages'] = [
      { role: 'user', content: `my key is ${key}` },
      { role: 'assistant', content: key, toolCalls: [call] },
      { role: 'tool', callId: 'c', content: key, isError: false },
    ];
    const { attributes } = spanOf(true, undefined, { ...request, system: key, messages });
    assert.doesNotMatch(JSON.stringify(attributes), /canary/);
    assert.match(JSON.stringify(attributes), /my key is \[hidden\]/);
  });

  test('a failed call has our error code, and not the text of the error', () => {
    const error = new ModelError('secret', { code: 'model_rate_limited', retryable: true });
    const { attributes, status, events: told } = spanOf(false, error);
    assert.deepEqual([attributes['error.type'], status], ['model_rate_limited', { code: 2 }]);
    assert.deepEqual(told, []);
  });
});
