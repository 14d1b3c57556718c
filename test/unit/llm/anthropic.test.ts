/** What the Anthropic adapter sends, and what it makes of odd streams. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MODELS } from '../../../models/models.ts';
import { ModelError, type ModelMessage, type ModelRequest } from '../../../llm/types.ts';
import {
  callsOf,
  clientOf,
  collect,
  failureOf,
  modelRequest,
  TEST_KEY,
  textOf,
} from '../../support/llm-requests.ts';
import { type ReplayServer, startReplayServer } from '../../support/replay-server.ts';

const MODEL = 'claude-sonnet-4-6';
let server: ReplayServer;
before(async () => {
  server = await startReplayServer();
});
after(() => server.close());

const sse = (...events: object[]): string =>
  events
    .map((event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('');
const begin = {
  type: 'message_start',
  message: {
    id: 'm',
    type: 'message',
    role: 'assistant',
    content: [],
    usage: { input_tokens: 10, cache_creation_input_tokens: 3, cache_read_input_tokens: 7, output_tokens: 1 },
  },
};
const stop = (reason: string) => [
  { type: 'message_delta', delta: { stop_reason: reason }, usage: { output_tokens: 5 } },
  { type: 'message_stop' },
];
const textBlock = (index: number, text: string) => [
  { type: 'content_block_start', index, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index, delta: { type: 'text_delta', text } },
  { type: 'content_block_stop', index },
];
const callBlock = (index: number, id: string, ...pieces: string[]) => [
  { type: 'content_block_start', index, content_block: { type: 'tool_use', id, name: 'look', input: {} } },
  ...pieces.map((partial_json) => ({
    type: 'content_block_delta',
    index,
    delta: { type: 'input_json_delta', partial_json },
  })),
  { type: 'content_block_stop', index },
];
const DONE = sse(begin, ...textBlock(0, 'ok'), ...stop('end_turn'));
const client = () => clientOf('messages', server.url);

async function sent(messages: ModelMessage[], model = MODEL, more: Partial<ModelRequest> = {}) {
  server.reply({ body: DONE });
  await collect(
    client(),
    modelRequest({
      ...more,
      model,
      messages,
      tools: ['a', 'b'].map((name) => ({
        name,
        description: name,
        parameters: { type: 'object', properties: {} },
      })),
    }),
  );
  const { body, headers, path } = server.requests.at(-1)!;
  return {
    path,
    headers,
    body: JSON.parse(body) as {
      system: object[];
      tools: object[];
      messages: {
        role: string;
        content: { type: string; text?: string; tool_use_id?: string; id?: string }[];
      }[];
      [key: string]: unknown;
    },
  };
}
const user = (content: string): ModelMessage => ({ role: 'user', content });
const said = (content: string, ...ids: string[]): ModelMessage => ({
  role: 'assistant',
  content,
  toolCalls: ids.map((callId) => ({ callId, name: 'look', arguments: '{"a":1}' })),
});
const result = (callId: string, content = 'seen'): ModelMessage => ({
  role: 'tool',
  callId,
  content,
  isError: false,
});

test('the request: no temperature, marks behind the system text, the step before and the newest block', async () => {
  for (const { id } of MODELS.filter((model) => model.provider === 'anthropic')) {
    const { body, headers, path } = await sent([user('one'), said('two'), user('three'), user('four')], id);
    assert.deepEqual(Object.keys(body).sort(), [
      'max_tokens',
      'messages',
      'model',
      'stream',
      'system',
      'tool_choice',
      'tools',
    ]);
    assert.match(path, /^\/v1\/messages/);
    assert.equal(
      headers.authorization ?? headers['x-api-key'],
      headers.authorization ? `Bearer ${TEST_KEY}` : TEST_KEY,
    );
    assert.equal(JSON.stringify(body).split('cache_control').length - 1, 3);
    assert.deepEqual(
      body.messages.map(({ role }) => role),
      ['user', 'assistant', 'user'],
    );
    assert.ok((body.max_tokens as number) > 0);
  }
});

test('the history of a session is marked where it ends, so that its next turn finds it', async () => {
  const history = [user('first'), said('answered')];
  const turn = [user('canvas'), user('go'), said('', 'c1'), result('c1'), said('', 'c2'), result('c2')];
  const { body } = await sent([...history, ...turn], 'claude-opus-4-6', { sharedMessages: 2 });
  const marked = body.messages.flatMap(({ content }) =>
    content.flatMap((part) => ('cache_control' in part ? [part.text ?? part.tool_use_id] : [])),
  );
  assert.deepEqual(marked, ['answered', 'c1', 'c2']);
  assert.equal(JSON.stringify(body).split('cache_control').length - 1, 4);
  // Canvas and message are one message of the user with what came before; the mark stands between them.
  const { body: merged } = await sent([user('first'), ...turn], 'claude-opus-4-6', { sharedMessages: 1 });
  assert.deepEqual(
    merged.messages[0]!.content.map((part) => [part.text, 'cache_control' in part]),
    [
      ['first', true],
      ['canvas', false],
      ['go', false],
    ],
  );
});

test('results come first and together, a call without one gets one, the user begins', async () => {
  const { body } = await sent([said('hi'), user('go'), said('', 'c1', 'c2'), result('c1'), user('and?')]);
  assert.deepEqual(
    body.messages.map(({ role, content }) => [role, content.map(({ type, tool_use_id: id }) => id ?? type)]),
    [
      ['user', ['text']],
      ['assistant', ['text']],
      ['user', ['text']],
      ['assistant', ['tool_use', 'tool_use']],
      ['user', ['c1', 'c2', 'text']],
    ],
  );
});

test('thinking goes back unchanged and in its place, to the model that thought it only', async () => {
  server.reply({
    body: sse(
      begin,
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'sig' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'redacted_thinking', data: 'xyz' } },
      ...textBlock(2, 'Let me see.'),
      ...callBlock(3, 'toolu_1', '', '{"a"', ':1}'),
      ...stop('tool_use'),
    ),
  });
  const events = await collect(client(), modelRequest({ model: MODEL }));
  const finish = events.at(-1);
  assert.ok(finish?.type === 'finish' && finish.reason === 'tool_calls');
  const usage = events.find((event) => event.type === 'usage');
  assert.deepEqual(usage?.usage, {
    inputTokens: 20,
    cachedTokens: 7,
    cacheWriteTokens: 3,
    outputTokens: 5,
    reasoningTokens: 0,
  });
  const answer: ModelMessage = {
    role: 'assistant',
    content: 'Let me see.',
    toolCalls: [{ callId: 'renamed', name: 'look', arguments: '{"a":1}' }],
    opaque: finish.opaque,
  };
  const back = (await sent([user('go'), answer, result('renamed')])).body.messages[1]!.content;
  assert.deepEqual(back, [
    { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
    { type: 'redacted_thinking', data: 'xyz' },
    { type: 'text', text: 'Let me see.' },
    { type: 'tool_use', id: 'renamed', name: 'look', input: { a: 1 } },
  ]);
  const other = (await sent([user('go'), answer, result('renamed')], 'claude-opus-4-6')).body.messages[1]!
    .content;
  assert.deepEqual(
    other.map(({ type }) => type),
    ['text', 'tool_use'],
  );
});

test('interleaved blocks, empty arguments, arguments that are no JSON, unknown events', async () => {
  server.reply({
    body: sse(
      begin,
      { type: 'ping' },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 't0', name: 'look', input: {} },
      },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 't1', name: 'look', input: {} },
      },
      { type: 'content_block_start', index: 2, content_block: { type: 'server_thing' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"b":' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: 'oops' } },
      { type: 'brand_new_event', index: 9 },
      ...stop('tool_use'),
    ),
  });
  assert.deepEqual(
    callsOf(await collect(client(), modelRequest({ model: MODEL }))).map((call) => call.arguments),
    ['', '{"b":oops'],
  );
});

test('how answers end', async () => {
  const ended = async (reason: string, ...blocks: object[]) => {
    server.reply({ body: sse(begin, ...blocks, ...stop(reason)) });
    try {
      const events = await collect(client(), modelRequest({ model: MODEL }));
      const finish = events.at(-1);
      return finish?.type === 'finish'
        ? `${finish.reason} ${callsOf(events).length} ${textOf(events)}`
        : 'none';
    } catch (error: unknown) {
      assert.ok(error instanceof ModelError);
      assert.ok(error.usage && error.usage.outputTokens > 0, 'what was spent is known');
      return `${error.code} ${error.retryable}`;
    }
  };
  assert.equal(await ended('end_turn', ...textBlock(0, 'Hi')), 'stop 0 Hi');
  assert.equal(await ended('max_tokens', ...textBlock(0, 'Hi')), 'length 0 Hi');
  assert.equal(await ended('pause_turn', ...textBlock(0, 'Hi')), 'length 0 Hi');
  assert.equal(await ended('refusal', ...textBlock(0, 'No')), 'refusal 0 No');
  assert.equal(await ended('refusal', ...callBlock(0, 't', '{}')), 'refusal 0 ');
  assert.equal(await ended('end_turn'), 'stop 0 ');
  assert.equal(await ended('max_tokens', ...callBlock(0, 't', '{"a":')), 'model_bad_response true');
  assert.equal(await ended('max_tokens'), 'model_bad_response false');
  assert.equal(await ended('model_context_window_exceeded', ...textBlock(0, 'Hi')), 'context_overflow false');
});

test('a stream without its end is an error; what comes after its end is not waited for', async () => {
  server.reply({ body: sse(begin, ...textBlock(0, 'Hi')) });
  const early = await failureOf(client(), modelRequest({ model: MODEL }));
  assert.deepEqual([early.code, early.retryable], ['model_unavailable', true]);
  server.reply({ body: DONE, ending: 'stall' });
  assert.equal(textOf(await collect(client(), modelRequest({ model: MODEL }))), 'ok');
});

test('the key is in no error, whatever the provider echoes', async () => {
  for (const status of [400, 401, 403, 429, 500, 529]) {
    server.reply({
      status,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'error', error: { type: 'x', message: `bad key ${TEST_KEY}` } }),
    });
    const error = await failureOf(client(), modelRequest({ model: MODEL }));
    assert.ok(!error.message.includes(TEST_KEY));
  }
  server.reply({ status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad gateway</html>' });
  assert.equal((await failureOf(client(), modelRequest({ model: MODEL }))).retryable, true);
});
