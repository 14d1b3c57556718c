/** One request: its address, its tries, its deadline and its error. */
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { inspect } from 'node:util';
import { CopilotError, createCopilotClient } from '../../../client/src/index.ts';
import { chat, clientOf, collect, SESSION, TURN } from '../../support/client-streams.ts';
import { fakeFetch, json } from '../../support/fake-fetch.ts';

beforeEach(() => {
  // Pauses are drawn from zero on: these take no time.
  mock.method(Math, 'random', () => 0);
});

const failing = (): Response => {
  throw new TypeError('fetch failed');
};

test('addresses, queries and bodies are those of the API', async () => {
  const fake = fakeFetch(() => json(200, {}));
  const client = clientOf(fake);
  await client.workflows.list({ limit: 5, offset: 0 });
  await client.sessions.list('w', { before: 'a b' });
  await client.sessions.newest('w&x');
  await client.sessions.messages(SESSION, { message: 'm' });
  await client.usage({ from: '2026-01-01T00:00:00+01:00' });
  await client.usage();
  await client.settings.setModel('gpt-5.2');
  await client.confirm(SESSION, TURN, 'call/1', { approved: true });
  await client.snapshot(SESSION, 'm', { nodes: [], edges: [] });
  await client.revert(SESSION, '..');
  await client.cancel(SESSION, '');
  const session = `http://service/api/copilot/sessions/${SESSION}`;
  assert.deepEqual(
    fake.requests.map(({ method, url, body }) => [method, url, body]),
    [
      ['GET', 'http://service/api/workflows?limit=5&offset=0', undefined],
      ['GET', 'http://service/api/workflows/w/sessions?before=a%20b', undefined],
      ['GET', 'http://service/api/copilot/sessions?workflow_id=w%26x', undefined],
      ['GET', `${session}/messages?message=m`, undefined],
      ['GET', 'http://service/api/copilot/usage?from=2026-01-01T00%3A00%3A00%2B01%3A00', undefined],
      ['GET', 'http://service/api/copilot/usage', undefined],
      ['PUT', 'http://service/api/copilot/settings/model', { model: 'gpt-5.2' }],
      ['POST', `${session}/turns/${TURN}/confirmations/call%2F1`, { approved: true }],
      ['POST', `${session}/messages/m/snapshot`, { pre_snapshot: { nodes: [], edges: [] } }],
      ['POST', `${session}/messages/-/revert`, undefined],
      ['POST', `${session}/turns/-/cancel`, undefined],
    ],
  );
  for (const { headers, body } of fake.requests) {
    assert.equal(headers.get('authorization'), 'Bearer token');
    assert.equal(headers.get('content-type'), body === undefined ? null : 'application/json');
  }
});

test('an empty answer is no JSON to read', async () => {
  const fake = fakeFetch(() => new Response(null, { status: 204 }));
  assert.equal(await clientOf(fake).sessions.delete(SESSION), undefined);
});

test('a GET is tried three times, everything else once', async () => {
  for (const answer of [failing, () => json(500, { error: 'Internal error' })]) {
    const fake = fakeFetch(answer);
    await assert.rejects(clientOf(fake).blockTypes(), { mayPass: true });
    assert.equal(fake.requests.length, 3);
    const other = fakeFetch(answer);
    await assert.rejects(clientOf(other).workflows.create('x'), { mayPass: true });
    assert.equal(other.requests.length, 1);
  }
  const better = fakeFetch(
    failing,
    () => new Response('<html>', { status: 502 }),
    () => json(200, { workflows: [] }),
  );
  assert.deepEqual(await clientOf(better).workflows.list(), { workflows: [] });
  const gone = fakeFetch(() => json(404, { error: 'none' }));
  await assert.rejects(clientOf(gone).workflows.get('x'), { status: 404, mayPass: false });
  assert.equal(gone.requests.length, 1);
});

test('an answer that breaks off is no whole one', async () => {
  const fake = fakeFetch((_request, { stream }) =>
    stream(['{"work'], 'error', { 'Content-Type': 'application/json' }),
  );
  await assert.rejects(clientOf(fake).workflows.create('x'), { code: 'network', mayPass: true });
  assert.equal(fake.open(), 0);
});

test('an answer that is no JSON is not one of the service', async () => {
  const fake = fakeFetch(() => new Response('<html>'));
  await assert.rejects(clientOf(fake).blockTypes(), { code: 'bad_answer', status: 200, mayPass: false });
  assert.equal(fake.requests.length, 1);
});

async function errorOf(answer: () => Response): Promise<CopilotError> {
  return clientOf(fakeFetch(answer))
    .workflows.create('x')
    .then(
      () => assert.fail('it did not throw'),
      (error: unknown) => (assert.ok(error instanceof CopilotError), error),
    );
}

test('Retry-After is whole seconds or a date of HTTP, and a day at most', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(1994, 10, 6, 8, 49, 30) });
  for (const [value, expected] of [
    ['0', 0],
    ['007', 7_000],
    ['99999999999', 86_400_000],
    ['9'.repeat(400), 86_400_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 7_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 7_000],
    ['Sun Nov  6 08:49:37 1994', 7_000],
    ['Sun, 06 Nov 1994 08:49:00 GMT', 0],
    ['Sun, 06 Nov 2094 08:49:37 GMT', 86_400_000],
    ['Sun, 06 Abc 1994 08:49:37 GMT', null],
    ['-5', null],
    ['+4', null],
    ['1.5', null],
    ['1e3', null],
    ['2, 3', null],
    ['1994-11-06T08:49:37Z', null],
    ['Infinity', null],
    ['', null],
  ] as const) {
    const error = await errorOf(() => json(503, { error: 'away' }, { 'Retry-After': value }));
    assert.deepEqual([error.retryAfterMs, error.mayPass], [expected, expected !== null], value);
  }
});

test('Retry-After is read as seconds and as a date, and a missing key does not pass by itself', async () => {
  const body = { error: 'away' };
  assert.equal((await errorOf(() => json(503, body, { 'Retry-After': '2' }))).retryAfterMs, 2_000);
  const date = new Date(Date.now() + 60_000).toUTCString();
  const { retryAfterMs } = await errorOf(() => json(429, body, { 'Retry-After': date }));
  assert.ok(retryAfterMs! > 55_000 && retryAfterMs! <= 60_000);
  assert.equal((await errorOf(() => json(429, body, { 'Retry-After': 'soon' }))).retryAfterMs, null);
  assert.equal((await errorOf(() => json(503, body))).mayPass, false);
  assert.equal((await errorOf(() => json(503, body, { 'Retry-After': '2' }))).mayPass, true);
  assert.equal((await errorOf(() => new Response('busy', { status: 503 }))).mayPass, true);
});

test('a request that is not answered is given up, and what comes later is released', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answer = Promise.withResolvers<Response>();
  const client = createCopilotClient({
    baseUrl: 'http://service',
    getToken: () => 'token',
    fetch: () => answer.promise,
  });
  const created = client.workflows.create('x');
  await new Promise(setImmediate);
  t.mock.timers.tick(46_000);
  await assert.rejects(created, { code: 'network', message: 'The service did not answer in time' });
  const late = fakeFetch();
  answer.resolve(late.stream([], undefined));
  await new Promise(setImmediate);
  assert.equal(late.open(), 0);
});

/** All that an error says, those that caused it included. */
function wordsOf(error: unknown): string {
  return inspect(error, { depth: Infinity, showHidden: true });
}

test('a token that no header can hold is told at once, by an error that does not quote it', async () => {
  for (const token of ['secret\nlines', 'secret\u0000', 'secret\u20ac']) {
    let asked = 0;
    const getToken = (): string => {
      asked += 1;
      return token;
    };
    const client = createCopilotClient({ baseUrl: 'http://127.0.0.1:9', getToken });
    for (const request of [
      () => client.blockTypes(),
      () => client.workflows.create('x'),
      () => collect(client.chat(SESSION, { message: 'hi' })),
    ]) {
      asked = 0;
      await assert.rejects(request(), (error: unknown) => {
        assert.ok(error instanceof CopilotError);
        assert.deepEqual([error.code, error.status, error.mayPass], ['unauthorized', 0, false]);
        assert.doesNotMatch(wordsOf(error), /secret/);
        return true;
      });
      assert.equal(asked, 1);
    }
  }
});

test('an Idempotency-Key that no header can hold, and an address that can not be asked, are told at once', async () => {
  const fake = fakeFetch(() => json(200, {}));
  await assert.rejects(collect(chat(fake, { idempotencyKey: 'two\nlines' })), {
    code: 'bad_request',
    message: 'No header can hold this Idempotency-Key',
  });
  assert.equal(fake.requests.length, 0);
  for (const baseUrl of ['nowhere', '', 'http://user:secret@127.0.0.1:9', 'http://a b']) {
    const client = createCopilotClient({ baseUrl, getToken: () => 'token' });
    await assert.rejects(collect(client.chat(SESSION, { message: 'hi' })), (error: unknown) => {
      assert.ok(error instanceof CopilotError);
      assert.equal(error.code, 'bad_request', baseUrl);
      assert.doesNotMatch(wordsOf(error), /secret/);
      return true;
    });
  }
});
