/**
 * The requests of the adapters, captured from the wire, behind the SDKs. One file, because all adapters must send the same
 * conversation to the same server.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { editTools } from '../../support/edit-tool.ts';
import { MODELS } from '../../../models/models.ts';
import { createModelClient } from '../../../llm/create-client.ts';
import { catalogueOf, loadConfig } from '../../../runtime/config.ts';
import { toStrictSchema } from '../../../llm/adapters/strict-schema.ts';
import type { JsonObject } from '../../../domain/text/json-value.ts';
import { ModelError, type ModelMessage, type OpaqueParts } from '../../../llm/types.ts';
import {
  type ApiName,
  callsOf,
  clientOf,
  collect,
  modelRequest,
  textOf,
} from '../../support/llm-requests.ts';
import { type ReplayServer, startReplayServer } from '../../support/replay-server.ts';

const { definitions } = editTools;
const DONE = {
  responses: `data: ${JSON.stringify({ type: 'response.completed', response: { status: 'completed' } })}\n\n`,
  chat: `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Done' }, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
};

let server: ReplayServer;
before(async () => {
  server = await startReplayServer();
});
after(() => server.close());

const sent = async (
  api: ApiName,
  overrides: Parameters<typeof modelRequest>[0],
): Promise<Record<string, unknown>> => {
  server.reply({ body: DONE[api as 'chat' | 'responses'] });
  await collect(clientOf(api, server.url), modelRequest({ tools: definitions, ...overrides }));
  return JSON.parse(server.requests.at(-1)!.body) as Record<string, unknown>;
};

for (const { id, temperature, reasoningItems, parallelToolCalls } of MODELS.filter(
  (model) => model.provider === 'openai',
)) {
  test(`${id}: only parameters that it takes`, async () => {
    const responses = await sent('responses', { model: id });
    assert.deepEqual(
      Object.keys(responses).sort(),
      [
        'input',
        'instructions',
        'model',
        'store',
        'stream',
        'tool_choice',
        'tools',
        ...(temperature ? ['temperature'] : []),
        ...(reasoningItems ? ['include'] : []),
        ...(parallelToolCalls ? ['parallel_tool_calls'] : []),
      ].sort(),
    );
    assert.equal(responses.store, false);
    assert.equal(responses.model, id);
    assert.equal(responses.temperature, temperature ? 0.7 : undefined);
    assert.deepEqual(responses.include, reasoningItems ? ['reasoning.encrypted_content'] : undefined);

    const chat = await sent('chat', { model: id });
    assert.equal('temperature' in chat, temperature);
    assert.equal('parallel_tool_calls' in chat, parallelToolCalls);
    assert.deepEqual(chat.stream_options, { include_usage: true });
    for (const never of ['max_tokens', 'stop', 'store', 'reasoning_effort']) assert.ok(!(never in chat));
  });
}

test('o3 and o4-mini get neither temperature nor parallel_tool_calls; gpt-4o no encrypted reasoning', async () => {
  for (const model of ['o3', 'o4-mini']) {
    const body = await sent('responses', { model });
    assert.ok(!('temperature' in body) && !('parallel_tool_calls' in body) && 'include' in body);
  }
  assert.ok(!('include' in (await sent('responses', { model: 'gpt-4o' }))));
  assert.equal((await sent('responses', { model: 'gpt-5.2' })).temperature, 0.7);
});

test('strict is always said: true where the schema is closed, false where a config may hold any key', async () => {
  const tools = (await sent('responses', {})).tools as { name: string; strict: boolean }[];
  assert.deepEqual(
    tools.map(({ name, strict }) => [name, strict]),
    [
      ['get_block_info', true],
      ['modify_workflow', false],
    ],
  );
  const chat = (await sent('chat', {})).tools as { function: { name: string; strict: boolean } }[];
  assert.deepEqual(
    chat.map((tool) => tool.function.strict),
    [true, false],
  );
});

test('the strict form requires every property, and optional ones take null without a second anyOf', () => {
  const text = { type: 'string' };
  const schema: JsonObject = {
    type: 'object',
    properties: {
      a: { ...text, maxLength: 9, description: 'A text' },
      b: { type: 'string', enum: ['x', 'y'] },
      c: { type: 'array', items: { type: 'object', properties: { d: { type: 'number' } } }, minItems: 1 },
      e: { anyOf: [text, { type: 'number' }] },
      f: { const: 1 },
    },
    required: ['a'],
  };
  assert.deepEqual(toStrictSchema(schema), {
    type: 'object',
    properties: {
      a: { type: 'string', description: 'A text' },
      b: { type: ['string', 'null'], enum: ['x', 'y', null] },
      c: {
        type: ['array', 'null'],
        items: {
          type: 'object',
          properties: { d: { type: ['number', 'null'] } },
          required: ['d'],
          additionalProperties: false,
        },
        minItems: 1,
      },
      e: { anyOf: [text, { type: 'number' }, { type: 'null' }] },
      f: { anyOf: [{ const: 1 }, { type: 'null' }] },
    },
    required: ['a', 'b', 'c', 'e', 'f'],
    additionalProperties: false,
  });
});

test('a schema has no strict form when a part of it takes any key or any value', () => {
  const of = (a: JsonObject): JsonObject => ({ type: 'object', properties: { a }, required: ['a'] });
  const open: JsonObject[] = [
    { type: 'object' },
    { ...of({ type: 'string' }), additionalProperties: { type: 'string' } },
    of({}),
    of({ type: 'object' }),
    of({ type: 'array', items: { type: 'object' } }),
    of({ type: 'array', items: {} }),
    of({ anyOf: [{ type: 'object' }, { type: 'null' }] }),
    of({ oneOf: [{ type: 'string' }] }),
  ];
  for (const schema of open) assert.equal(toStrictSchema(schema), null, JSON.stringify(schema));
});

test('the last step keeps its tools and says none', async () => {
  for (const api of ['responses', 'chat'] as const) {
    const open = await sent(api, {});
    const last = await sent(api, { toolChoice: 'none' });
    assert.equal(open.tool_choice, 'auto');
    assert.equal(last.tool_choice, 'none');
    assert.deepEqual(last.tools, open.tools);
  }
});

test('system text holds ours only; what users and tools say stays user and tool content', async () => {
  const messages: ModelMessage[] = [
    { role: 'user', content: 'GRAPH' },
    { role: 'user', content: 'ASKED' },
    { role: 'assistant', content: 'SAID', toolCalls: [{ callId: 'c1', name: 't', arguments: '' }] },
    { role: 'tool', callId: 'c1', content: 'RESULT', isError: false },
  ];
  const responses = await sent('responses', { messages });
  assert.equal(responses.instructions, 'You are a test.');
  assert.deepEqual(responses.input, [
    { role: 'user', content: 'GRAPH' },
    { role: 'user', content: 'ASKED' },
    { role: 'assistant', content: 'SAID' },
    { type: 'function_call', call_id: 'c1', name: 't', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c1', output: 'RESULT' },
  ]);
  const chat = await sent('chat', { messages });
  assert.deepEqual(chat.messages, [
    { role: 'system', content: 'You are a test.' },
    { role: 'user', content: 'GRAPH' },
    { role: 'user', content: 'ASKED' },
    {
      role: 'assistant',
      content: 'SAID',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 't', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'RESULT' },
  ]);
});

test('reasoning goes back in its place, to the model that made it and to no other', async () => {
  const item = (type: string, fields: object) => ({
    type: 'response.output_item.done',
    item: { type, ...fields },
  });
  const reasoning = (id: string) => item('reasoning', { id, summary: [], encrypted_content: `secret ${id}` });
  const call = (id: string) =>
    item('function_call', { call_id: id, name: 't', arguments: '{}', status: 'completed' });
  const events = [
    reasoning('r1'),
    { type: 'response.output_text.delta', output_index: 1, delta: 'Hm.' },
    reasoning('r2'),
    call('c1'),
    reasoning('r3'),
    call('c2'),
    reasoning('r4'),
    { type: 'response.completed', response: { status: 'completed' } },
  ].map((event, index) => ({ output_index: index, ...event }));
  server.reply({ body: events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') });
  const answer = await collect(clientOf('responses', server.url), modelRequest());
  const finish = answer.at(-1);
  assert.ok(finish?.type === 'finish' && finish.opaque);
  // It is stored as JSON between two steps.
  const opaque = JSON.parse(JSON.stringify(finish.opaque)) as OpaqueParts;
  const turn = (parts: OpaqueParts | null): ModelMessage[] => [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: textOf(answer), toolCalls: callsOf(answer), opaque: parts },
  ];
  const kinds = async (model: string, parts: OpaqueParts | null): Promise<string[]> => {
    const { input } = await sent('responses', { model, messages: turn(parts) });
    return (input as { role?: string; encrypted_content?: string; call_id?: string }[]).map(
      (part) => part.encrypted_content?.slice('secret '.length) ?? part.call_id ?? part.role ?? '',
    );
  };
  // r4 led to nothing: alone it would be refused.
  assert.deepEqual(await kinds('gpt-5.2', opaque), ['user', 'r1', 'assistant', 'r2', 'c1', 'r3', 'c2']);
  assert.deepEqual(await kinds('o3', opaque), ['user', 'assistant', 'c1', 'c2']);
  assert.deepEqual(await kinds('gpt-5.2', { ...opaque, provider: 'another' }), [
    'user',
    'assistant',
    'c1',
    'c2',
  ]);
  assert.deepEqual(await kinds('gpt-5.2', null), ['user', 'assistant', 'c1', 'c2']);
  const chat = await sent('chat', { messages: turn(opaque) });
  assert.ok(!JSON.stringify(chat).includes('secret'));
});

test("each step's request begins with the bytes of the one before", async () => {
  const first: ModelMessage[] = [{ role: 'user', content: 'Hello' }];
  const second: ModelMessage[] = [
    ...first,
    { role: 'assistant', content: 'I look.', toolCalls: [{ callId: 'c1', name: 't', arguments: '{}' }] },
    { role: 'tool', callId: 'c1', content: 'RESULT', isError: false },
  ];
  for (const [api, key] of [
    ['responses', 'input'],
    ['chat', 'messages'],
  ] as const) {
    const one = await sent(api, { messages: first });
    const two = await sent(api, { messages: second });
    assert.ok(JSON.stringify(two[key]).startsWith(JSON.stringify(one[key]).slice(0, -1)));
    for (const same of ['tools', 'instructions', 'model']) assert.deepEqual(two[same], one[same]);
  }
});

const chunk = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const call = (fields: object): string => chunk({ tool_calls: [fields] });

test('the calls of servers that differ: no index, one index for all, no id, the same id, arguments as an object', async () => {
  const weather = (city: string) => ({ name: 'weather', arguments: `{"city":"${city}"}` });
  const bodies: Record<string, string> = {
    'one index for all':
      call({ index: 0, id: 'a', function: weather('Rome') }) +
      call({ index: 0, id: 'b', function: weather('Oslo') }),
    'no index': call({ id: 'a', function: weather('Rome') }) + call({ id: 'b', function: weather('Oslo') }),
    'no id':
      call({ index: 0, function: weather('Rome') }) + call({ index: 1, id: '', function: weather('Oslo') }),
    'the same id':
      call({ index: 0, id: 'a', function: weather('Rome') }) +
      call({ index: 1, id: 'a', function: weather('Oslo') }),
    'the id in every delta':
      call({ index: 0, id: 'a', function: { name: 'weather', arguments: '{"city":' } }) +
      call({ index: 0, id: 'a', function: { name: 'weather', arguments: '"Rome"}' } }) +
      call({ index: 1, id: 'b', function: weather('Oslo') }),
    interleaved:
      call({ index: 0, id: 'a', function: { name: 'weather', arguments: '' } }) +
      call({ index: 1, id: 'b', function: { name: 'weather', arguments: '{"ci' } }) +
      call({ index: 0, function: { arguments: '{"city":"Rome"}' } }) +
      call({ index: 1, function: { arguments: 'ty":"Oslo"}' } }),
    'arguments as an object':
      call({ index: 0, id: 'a', function: { name: 'weather', arguments: { city: 'Rome' } } }) +
      call({ index: 1, id: 'b', function: weather('Oslo') }),
  };
  for (const [name, body] of Object.entries(bodies)) {
    for (const reason of ['tool_calls', 'stop']) {
      server.reply({ body: body + chunk({}, reason) });
      const events = await collect(clientOf('chat', server.url), modelRequest());
      const calls = callsOf(events);
      assert.deepEqual(
        calls.map((each) => each.arguments),
        ['{"city":"Rome"}', '{"city":"Oslo"}'],
        name,
      );
      assert.equal(new Set(calls.map((each) => each.callId)).size, 2, name);
      assert.ok(
        calls.every((each) => each.callId !== ''),
        name,
      );
      assert.deepEqual(events.at(-1), { type: 'finish', reason: 'tool_calls', opaque: null });
    }
  }
});

test('reasoning of other servers, under each of its names', async () => {
  const body =
    chunk({ reasoning: 'Let ' }) + chunk({ reasoning_content: 'me.' }) + chunk({ content: 'Hi' }, 'stop');
  server.reply({ body });
  const events = await collect(clientOf('chat', server.url), modelRequest());
  assert.deepEqual(
    events.map((event) => ('delta' in event ? event.delta : event.type)),
    ['Let ', 'me.', 'Hi', 'finish'],
  );
});

test('cut at the limit: text is kept, calls are not run; filtered content is a refusal', async () => {
  const rest = {
    responses: (reason: string) =>
      `data: ${JSON.stringify({ type: 'response.incomplete', response: { incomplete_details: { reason } } })}\n\n`,
    chat: (reason: string) => chunk({}, reason === 'max_output_tokens' ? 'length' : reason),
  };
  const text = {
    responses: `data: ${JSON.stringify({ type: 'response.output_text.delta', output_index: 0, delta: 'Half' })}\n\n`,
    chat: chunk({ content: 'Half' }),
  };
  const whole = {
    responses: `data: ${JSON.stringify({ type: 'response.output_item.done', output_index: 1, item: { type: 'function_call', call_id: 'c', name: 't', arguments: '{}', status: 'completed' } })}\n\n`,
    chat: call({ index: 0, id: 'c', function: { name: 't', arguments: '{}' } }),
  };
  for (const api of ['responses', 'chat'] as const) {
    const client = clientOf(api, server.url);
    server.reply({ body: text[api] + rest[api]('max_output_tokens') });
    const cut = await collect(client, modelRequest());
    assert.equal(textOf(cut), 'Half');
    assert.deepEqual(cut.at(-1), { type: 'finish', reason: 'length', opaque: null });

    server.reply({ body: text[api] + whole[api] + rest[api]('max_output_tokens') });
    await assert.rejects(
      collect(client, modelRequest()),
      (error) => error instanceof ModelError && error.retryable,
    );

    server.reply({ body: text[api] + whole[api] + rest[api]('content_filter') });
    const filtered = await collect(client, modelRequest());
    assert.deepEqual(callsOf(filtered), []);
    assert.deepEqual(filtered.at(-1), { type: 'finish', reason: 'refusal', opaque: null });
  }
});

test('a refusal on Responses is text that ends as a refusal', async () => {
  const events = [
    { type: 'response.refusal.delta', output_index: 0, delta: "I can't" },
    { type: 'response.refusal.delta', output_index: 0, delta: ' help.' },
    { type: 'response.completed', response: { status: 'completed' } },
  ];
  server.reply({ body: events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') });
  const answer = await collect(clientOf('responses', server.url), modelRequest());
  assert.equal(textOf(answer), "I can't help.");
  assert.deepEqual(answer.at(-1), { type: 'finish', reason: 'refusal', opaque: null });
});

const NO_SERVERS = {
  openai: { apiKey: undefined, baseUrl: undefined, api: 'responses' as const },
  anthropic: { apiKey: undefined, baseUrl: undefined },
  addedModels: [],
  demoCharsPerSecond: 0,
};

test('a model of the environment is asked at its own server, with its own key and never with another one', async () => {
  server.reply({ body: DONE.chat });
  const entry = { id: 'mine', base_url: server.url, temperature: true, reasoning_effort: 'low' };
  const ask = async (env: Record<string, string>, extra: object = {}) => {
    const config = loadConfig({ COPILOT_MODELS: JSON.stringify([{ ...entry, ...extra }]), ...env });
    await collect(
      createModelClient(config, catalogueOf(config)),
      modelRequest({ model: 'mine', tools: definitions, cacheKey: 'session' }),
    );
    return server.requests.at(-1)!;
  };
  const own = await ask({ OPENAI_API_KEY: 'sk-openai' });
  assert.deepEqual([own.path, own.headers.authorization], ['/v1/chat/completions', 'Bearer not-needed']);
  const body = JSON.parse(own.body) as Record<string, unknown> & { tools: { function: object }[] };
  assert.deepEqual(Object.keys(body).sort(), [
    'messages',
    'model',
    'reasoning_effort',
    'stream',
    'stream_options',
    'temperature',
    'tool_choice',
    'tools',
  ]);
  assert.ok(body.tools.every((tool) => !('strict' in tool.function)));
  const keyed = await ask({ MINE_KEY: 'sk-mine', OPENAI_API_KEY: 'sk-openai' }, { api_key_env: 'MINE_KEY' });
  assert.equal(keyed.headers.authorization, 'Bearer sk-mine');
});

test('routes by configuration: API, base URL, placeholder key, and no connection', async () => {
  const pathWith = async (openai: { apiKey?: string; api: 'responses' | 'chat' }) => {
    server.reply({ body: DONE[openai.api] });
    const config = {
      ...NO_SERVERS,
      openai: { apiKey: openai.apiKey, baseUrl: server.url, api: openai.api },
    };
    await collect(createModelClient(config, catalogueOf(config)), modelRequest());
    const { path, headers } = server.requests.at(-1)!;
    return `${path} ${headers.authorization}`;
  };
  assert.equal(await pathWith({ api: 'responses', apiKey: 'k' }), '/v1/responses Bearer k');
  assert.equal(await pathWith({ api: 'chat' }), '/v1/chat/completions Bearer not-needed');

  const none = createModelClient(NO_SERVERS, catalogueOf(NO_SERVERS));
  for (const model of ['gpt-5.2', 'claude-sonnet-4-6', 'unknown']) {
    await assert.rejects(
      async () => collect(none, modelRequest({ model })),
      (error) => error instanceof ModelError && error.code === 'model_unavailable' && !error.retryable,
    );
  }
  assert.match(textOf(await collect(none, modelRequest({ model: 'demo' }))), /demo/i);
});
