/**
 * Failures of a model call: the code of each, whether and when it is retried, and its message. One file, because it is one
 * table of failures with the rules for all of them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { FAILURES } from '../../../llm/adapters/provider-errors.ts';
import { STREAM_LIMITS } from '../../../llm/adapters/watchdog.ts';
import type { ModelError } from '../../../llm/types.ts';
import {
  type ApiName,
  clientOf,
  collect,
  failureOf,
  modelRequest,
  TEST_KEY,
} from '../../support/llm-requests.ts';
import { type Reply, type ReplayServer, startReplayServer } from '../../support/replay-server.ts';

const FOLDER = new URL('../../fixtures/llm-recordings/', import.meta.url);
const { files } = JSON.parse(readFileSync(new URL('manifest.json', FOLDER), 'utf8')) as {
  files: { file: string; kind: string; api: string; status: number; headers: Record<string, string> }[];
};
const APIS = ['responses', 'chat', 'messages'] as const;
const JSON_TYPE = { 'content-type': 'application/json' };

let server: ReplayServer;
before(async () => {
  server = await startReplayServer();
});
after(() => server.close());

const failWith = (reply: Reply, api: ApiName = 'responses'): Promise<ModelError> => {
  server.reply(reply);
  return failureOf(clientOf(api, server.url), modelRequest());
};
const errorBody = (fields: object): string => JSON.stringify({ error: { message: 'theirs', ...fields } });
const factsOf = ({ code, retryable, retryAfterMs }: ModelError) => ({ code, retryable, retryAfterMs });

const RECORDED: Record<string, { code: string; retryable: boolean; retryAfterMs?: number }> = {
  'error-400-context_length_exceeded.openai-responses.json': { code: 'context_overflow', retryable: false },
  'error-400-model_not_found.openai-responses.json': { code: 'model_unavailable', retryable: false },
  'error-404-model_not_found.openai-chat.json': { code: 'model_unavailable', retryable: false },
  'error-401-invalid_api_key.openai-responses.json': { code: 'model_auth', retryable: false },
  'error-400-reasoning-item-orphan.openai-responses.json': { code: 'model_bad_response', retryable: false },
  'error-429-insufficient_quota.openai.json': { code: 'model_quota', retryable: false },
  'error-400-temperature-unsupported.openai-responses.json': { code: 'model_bad_response', retryable: false },
  'error-400-prompt-too-long.anthropic.json': { code: 'context_overflow', retryable: false },
  'error-404-not_found.anthropic.json': { code: 'model_unavailable', retryable: false },
  'error-401-authentication.anthropic.json': { code: 'model_auth', retryable: false },
  'error-529-overloaded.anthropic.json': { code: 'model_unavailable', retryable: true },
  'error-429-rate_limit.anthropic.json': {
    code: 'model_rate_limited',
    retryable: true,
    retryAfterMs: 12_000,
  },
  'error-429-rate_limit_exceeded.openai.json': {
    code: 'model_rate_limited',
    retryable: true,
    retryAfterMs: 18_642,
  },
};

for (const { file, status, headers } of files.filter((entry) => entry.kind === 'error-body')) {
  test(`${file}: the expected error, through each of its APIs`, async () => {
    const body = readFileSync(new URL(file, FOLDER), 'utf8');
    const theirs = (JSON.parse(body) as { error: { message: string } }).error.message;
    for (const api of file.includes('anthropic')
      ? (['messages'] as const)
      : (['responses', 'chat'] as const)) {
      const error = await failWith({ status, headers, body }, api);
      assert.deepEqual(factsOf(error), { retryAfterMs: null, ...RECORDED[file] });
      assert.equal(error.status, status);
      assert.ok(!error.message.includes(theirs), "the provider's words are not shown");
    }
  });
}

const BY_STATUS: [number, string, boolean][] = [
  [400, 'model_bad_response', false],
  [401, 'model_auth', false],
  [402, 'model_quota', false],
  [403, 'model_auth', false],
  [404, 'model_unavailable', false],
  [408, 'model_unavailable', true],
  [409, 'model_unavailable', true],
  [413, 'context_overflow', false],
  [422, 'model_bad_response', false],
  [429, 'model_rate_limited', true],
  [500, 'model_unavailable', true],
  [502, 'model_unavailable', true],
  [503, 'model_unavailable', true],
  [504, 'model_unavailable', true],
  [529, 'model_unavailable', true],
];
for (const [status, code, retryable] of BY_STATUS) {
  test(`status ${status}: ${code}, ${retryable ? 'retried' : 'final'}`, async () => {
    for (const api of APIS) {
      const asJson = await failWith({ status, headers: JSON_TYPE, body: errorBody({}) }, api);
      assert.deepEqual(factsOf(asJson), { code, retryable, retryAfterMs: null });
      const html = '<html><body><h1>Bad gateway</h1> 10.0.0.7 </body></html>';
      const asPage = await failWith({ status, headers: { 'content-type': 'text/html' }, body: html }, api);
      assert.deepEqual(factsOf(asPage), factsOf(asJson));
      assert.ok(!asPage.message.includes('<'));
    }
  });
}

test('money is final whatever else the answer says', async () => {
  for (const code of ['insufficient_quota', 'credit_balance_exhausted', 'project_spend_limit_exceeded']) {
    const error = await failWith({
      status: 429,
      headers: { ...JSON_TYPE, 'x-should-retry': 'true', 'retry-after': '1' },
      body: errorBody({ code }),
    });
    assert.equal(error.code, 'model_quota');
    assert.equal(error.retryable, false);
  }
  const byType = await failWith({
    status: 429,
    headers: JSON_TYPE,
    body: errorBody({ type: 'insufficient_quota', code: null }),
  });
  assert.equal(byType.code, 'model_quota');
});

test('x-should-retry beats the status', async () => {
  const told = (status: number, value: string) =>
    failWith({ status, headers: { ...JSON_TYPE, 'x-should-retry': value }, body: errorBody({}) });
  assert.equal((await told(400, 'true')).retryable, true);
  assert.equal((await told(429, 'false')).retryable, false);
  assert.equal((await told(503, 'false')).retryable, false);
});

test("the provider's wish is read in each of its forms, five minutes at most", async () => {
  const wish = async (headers: Record<string, string>): Promise<number | null> =>
    (await failWith({ status: 429, headers: { ...JSON_TYPE, ...headers }, body: errorBody({}) }))
      .retryAfterMs;
  assert.equal(await wish({ 'retry-after-ms': '1500', 'retry-after': '9' }), 1_500);
  assert.equal(await wish({ 'retry-after': '12' }), 12_000);
  assert.equal(await wish({ 'retry-after': '0.5' }), 500);
  assert.equal(await wish({ 'retry-after': '86400' }), 300_000);
  const soon = await wish({ 'retry-after': new Date(Date.now() + 30_000).toUTCString() });
  assert.ok(soon !== null && soon > 25_000 && soon <= 30_000, String(soon));
  assert.equal(await wish({ 'retry-after': new Date(Date.now() - 30_000).toUTCString() }), null);
  assert.equal(await wish({ 'retry-after': '0' }), null);
  assert.equal(await wish({ 'retry-after': '-5' }), null);
  assert.equal(await wish({ 'retry-after': 'soon' }), null);
  assert.equal(await wish({}), null);
});

const IN_STREAM: [string, object, string, boolean][] = [
  ['server_error', { code: 'server_error' }, 'model_unavailable', true],
  ['rate_limit_exceeded', { code: 'rate_limit_exceeded' }, 'model_rate_limited', true],
  ['insufficient_quota', { type: 'insufficient_quota' }, 'model_quota', false],
  ['context_length_exceeded', { code: 'context_length_exceeded' }, 'context_overflow', false],
  ['a refused prompt', { code: 'invalid_prompt' }, 'model_refused', false],
  ['an invalid request', { type: 'invalid_request_error' }, 'model_bad_response', false],
  ['a bad key', { code: 'invalid_api_key' }, 'model_auth', false],
  ['a status as code 429', { code: 429 }, 'model_rate_limited', true],
  ['a status as code 502', { code: 502 }, 'model_unavailable', true],
  ['a status as code 401', { code: 401 }, 'model_auth', false],
  ['an unreadable tool call', { code: 'tool_use_failed' }, 'model_bad_response', true],
];
for (const [name, fields, code, retryable] of IN_STREAM) {
  test(`in the middle of a stream, ${name}: ${code}`, async () => {
    const message = 'theirs sk-secret';
    const forms: [(typeof APIS)[number], string][] = [
      [
        'responses',
        `event: error\ndata: ${JSON.stringify({ type: 'error', error: { ...fields, message } })}\n\n`,
      ],
      ['chat', `data: ${JSON.stringify({ error: { ...fields, message } })}\n\n`],
      ['chat', `event: error\ndata: ${JSON.stringify({ error: { ...fields, message } })}\n\n`],
    ];
    if (!('type' in fields)) {
      forms.push(
        ['responses', `event: error\ndata: ${JSON.stringify({ type: 'error', ...fields, message })}\n\n`],
        ['responses', `data: ${JSON.stringify({ type: 'error', ...fields, message })}\n\n`],
        [
          'responses',
          `data: ${JSON.stringify({ type: 'response.failed', response: { error: { ...fields, message } } })}\n\n`,
        ],
      );
    }
    for (const [api, body] of forms) {
      const error = await failWith({ body }, api);
      assert.equal(error.code, code, body);
      assert.equal(error.retryable, retryable, body);
      assert.ok(!error.message.includes('sk-'));
    }
  });
}

test('tokens that a failed response reports are known', async () => {
  const usage = { input_tokens: 70, output_tokens: 8 };
  const response = { error: { code: 'server_error' }, usage };
  const error = await failWith({
    body: `data: ${JSON.stringify({ type: 'response.failed', response })}\n\n`,
  });
  assert.deepEqual(error.usage, { inputTokens: 70, cachedTokens: 0, outputTokens: 8, reasoningTokens: 0 });
});

test('a body that is no stream, JSON that is none, and shapes that are odd are typed errors', async () => {
  const bodies = [
    '',
    '<html><body>Please log in</body></html>',
    '{"error":{"message":"no"}}',
    'data: {"type":\n\n',
    'data: null\n\n',
    'data: []\n\n',
    'data: 7\n\n',
    'data: {"choices":null}\n\n',
    'data: {"choices":[{"delta":{"tool_calls":[null]}}]}\n\n',
    'data: {"type":"response.output_item.done","output_index":0}\n\n',
    'data: {"type":"response.completed"}\n\n',
    'data: [DONE]\n\n',
  ];
  for (const body of bodies) {
    for (const api of APIS) {
      const error = await failWith({ body }, api);
      assert.ok(['model_unavailable', 'model_bad_response'].includes(error.code), `${api} ${body}`);
      assert.equal(error.retryable, true, `${api} ${body}`);
    }
  }
});

test('a web page in place of a stream is called that', async () => {
  for (const api of APIS) {
    const headers = { 'content-type': 'text/html; charset=utf-8' };
    const error = await failWith({ headers, body: '<html>Please log in</html>' }, api);
    assert.deepEqual([error.code, error.retryable], ['model_bad_response', true]);
    assert.match(error.message, /web page/);
  }
});

test('a server that is not there is a retryable connection error', async () => {
  const gone = await startReplayServer();
  await gone.close();
  for (const api of APIS) {
    const error = await failureOf(clientOf(api, gone.url), modelRequest());
    assert.deepEqual(factsOf(error), { code: 'model_unavailable', retryable: true, retryAfterMs: null });
  }
});

test('a stream that goes silent is given up: before its first byte, between two, and over all', async () => {
  const delta = `data: ${JSON.stringify({ type: 'response.output_text.delta', delta: 'Hi' })}\n\n`;
  const cases: [string, Partial<typeof STREAM_LIMITS>][] = [
    ['', { idleMs: 40 }],
    [delta, { idleMs: 40 }],
    [delta, { totalMs: 40 }],
  ];
  for (const [body, limits] of cases) {
    server.reply({ body, ending: 'stall' });
    const client = clientOf('responses', server.url, { ...STREAM_LIMITS, ...limits });
    const error = await failureOf(client, modelRequest());
    assert.deepEqual(factsOf(error), { code: 'model_unavailable', retryable: true, retryAfterMs: null });
  }
});

test('an answer that does not end is ended by its size, also one of a single line', async () => {
  for (const api of APIS) {
    for (const body of [`: ping\n\n`.repeat(20_000), `data: ${'x'.repeat(200_000)}`]) {
      server.reply({ body, ending: 'stall' });
      const client = clientOf(api, server.url, { ...STREAM_LIMITS, maxBytes: 100_000 });
      const error = await failureOf(client, modelRequest());
      assert.deepEqual([error.code, error.message], ['model_bad_response', FAILURES.tooMuch.message]);
    }
  }
});

test('a byte is a sign of life, even one that says nothing; a model that thinks silently is given longer', async () => {
  const ping = ': ping\n\n';
  const done = `data: ${JSON.stringify({ type: 'response.completed', response: { status: 'completed' } })}\n\n`;
  const body = ping.repeat(8) + done;
  const splitAt = Array.from({ length: 8 }, (_, n) => (n + 1) * ping.length);
  server.reply({ body, splitAt, pauseMs: 100 });
  const alive = clientOf('responses', server.url, { ...STREAM_LIMITS, idleMs: 500 });
  assert.equal((await collect(alive, modelRequest())).at(-1)?.type, 'finish');

  server.reply({ body: ping + done, splitAt: [ping.length], pauseMs: 400 });
  const strict = clientOf('responses', server.url, { ...STREAM_LIMITS, idleMs: 100, silentIdleMs: 10_000 });
  assert.equal((await collect(strict, modelRequest({ model: 'o3' }))).at(-1)?.type, 'finish');
  assert.equal((await failureOf(strict, modelRequest())).code, 'model_unavailable');
  assert.deepEqual(STREAM_LIMITS, {
    idleMs: 60_000,
    silentIdleMs: 120_000,
    totalMs: 600_000,
    maxBytes: 64 * 1024 * 1024,
  });
});

test('one attempt is one request: retries are Temporal’s', async () => {
  for (const api of APIS) {
    const before = server.requests.length;
    await failWith({ status: 503, body: '', headers: JSON_TYPE }, api);
    assert.equal(server.requests.length, before + 1);
  }
});

test("an abort throws the signal's own reason, before, in the middle, and closes the connection", async () => {
  const delta = {
    responses: `data: ${JSON.stringify({ type: 'response.output_text.delta', delta: 'Hi' })}\n\n`,
    chat: `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hi' } }] })}\n\n`,
    messages: `event: content_block_start\ndata: ${JSON.stringify({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } })}\n\n`,
  };
  for (const api of APIS) {
    const reason = new Error('the user has left');
    const early = modelRequest({ signal: AbortSignal.abort(reason) });
    await assert.rejects(collect(clientOf(api, server.url), early), (error) => error === reason);

    server.reply({ body: delta[api], ending: 'stall' });
    const abortedBefore = server.aborted();
    const controller = new AbortController();
    await assert.rejects(
      async () => {
        const request = modelRequest({ signal: controller.signal });
        for await (const event of clientOf(api, server.url).stream(request)) {
          assert.equal(event.type, 'text_delta');
          controller.abort(reason);
        }
      },
      (error) => error === reason,
    );
    const until = Date.now() + 5_000;
    while (server.aborted() === abortedBefore && Date.now() < until) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(server.aborted(), abortedBefore + 1);
  }
});

test('no key and nothing of the provider’s body is in what a person may read', async () => {
  const body = errorBody({ message: `Incorrect API key provided: ${TEST_KEY}`, code: 'invalid_api_key' });
  for (const status of [400, 401, 404, 429, 500]) {
    for (const api of APIS) {
      const { message, code, status: seen } = await failWith({ status, headers: JSON_TYPE, body }, api);
      assert.ok(!JSON.stringify({ message, code, seen }).includes('sk-'));
      assert.ok(message.length > 10 && message.length < 200);
    }
  }
});
