/**
 * The HTTP side of the API: the rules that hold for every endpoint, and those of the chat. One file, because the chat is the
 * endpoint on which most common rules are tested.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import { answerClientError } from '../../../api/http/client-error.ts';
import { HttpError } from '../../../api/http/http-error.ts';
import type { TurnControl } from '../../../api/turns/turn-control.ts';
import { listenLocally } from '../../support/listen.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import {
  appendEvents,
  completeEvent,
  insertSession,
  insertTurn,
  signToken,
  startTestApi,
  type TestApi,
} from '../../support/test-api.ts';

type StartInput = Parameters<TurnControl['start']>[0];

const COMPLETE = completeEvent('a');

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
let session: { sessionId: string; workflowId: string };
let start: TurnControl['start'];
let started: StartInput[] = [];
let cancel: TurnControl['cancel'];
const log: string[] = [];

before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    config: { corsOrigins: ['https://studio.example'], allowedRoles: ['service_role', 'authenticated'] },
    logger: pino(
      { level: 'debug' },
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          log.push(chunk.toString());
          done();
        },
      }),
    ),
    turns: {
      start: (input) => {
        started.push(input);
        return start(input);
      },
      cancel: (input) => cancel(input),
      get: async () => null,
    },
  });
  session = await insertSession(api.db);
  start = async () => {
    const turnId = await insertTurn(api.db, session);
    await appendEvents(api.db, turnId, [
      { event: 'content_delta', payload: { step: 1, delta: 'a' } },
      COMPLETE,
    ]);
    return { turnId, attached: false };
  };
});
after(async () => {
  await api?.close();
  await database?.drop();
});

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

async function call(
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string | Uint8Array; auth?: boolean } = {},
): Promise<Answer> {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: {
      ...(options.auth === false ? {} : api.headers),
      ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: options.body }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
  assert.ok(response.headers.get('x-request-id'), 'every response has an id');
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

const chatPath = (id = session.sessionId) => `/api/copilot/sessions/${id}/chat`;
const chat = (body: unknown, headers: Record<string, string> = {}) =>
  call('POST', chatPath(), { body: JSON.stringify(body), headers });

function isError(answer: Answer, status: number, pattern?: RegExp): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(typeof answer.json.error, 'string');
  if (pattern) assert.match(String(answer.json.error), pattern);
}

test('unknown paths are 404, wrong methods 405 with Allow, in JSON', async () => {
  isError(await call('GET', '/nothing'), 404);
  isError(await call('GET', '/api/copilot/sessions/x/y/z'), 404);
  isError(await call('POST', '/api/openapi.json', { auth: false }), 405);
  const wrong = await call('PATCH', chatPath());
  isError(wrong, 405, /POST/);
  assert.equal(wrong.headers.get('allow'), 'POST, OPTIONS');
  isError(await call('GET', chatPath()), 405);
  const options = await call('OPTIONS', chatPath());
  assert.equal(options.status, 204);
  assert.equal(options.headers.get('allow'), 'POST, OPTIONS');
  assert.equal((await call('HEAD', '/healthz', { auth: false })).status, 200);
});

test('odd paths are never a 500', async () => {
  for (const path of [
    '/api/copilot/sessions/%',
    '/api/copilot/sessions/%E0%A4%A/messages',
    '/api/copilot/sessions/%00/messages',
    '/api/copilot/sessions/..%2F..%2Fetc/messages',
    "/api/copilot/sessions/' or 1=1--/messages",
    `/api/copilot/sessions/${'a'.repeat(5_000)}/messages`,
    '/api/copilot/sessions?workflow_id=%00',
    '/api/copilot/sessions?workflow_id=%ff',
    '/api/workflows/%F0%9F%92%A9',
    '//api/workflows',
    '/api/copilot/sessions/__proto__/messages',
  ]) {
    const answer = await call('GET', path);
    assert.ok([400, 404, 405].includes(answer.status), `${path}: ${answer.status}`);
  }
});

test('without a token 401, with WWW-Authenticate; open paths need none', async () => {
  const answer = await call('GET', '/api/workflows', { auth: false });
  isError(answer, 401, /token/i);
  assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
  isError(await call('GET', '/nothing', { auth: false }), 401);
  isError(
    await call('GET', `/api/workflows?token=${await signToken()}&apikey=${await signToken()}`, {
      auth: false,
    }),
    401,
  );
  isError(
    await call('GET', '/api/workflows', {
      headers: { Authorization: `Bearer ${await signToken({ exp: 1 })}` },
    }),
    401,
  );
  isError(
    await call('GET', '/api/workflows', {
      headers: { Authorization: `Bearer ${await signToken({ role: 'anon' })}` },
    }),
    403,
  );
  assert.equal(
    (await call('GET', '/api/workflows', { auth: false, headers: { apikey: await signToken() } })).status,
    200,
  );
  assert.deepEqual((await call('GET', '/healthz', { auth: false })).json, { ok: true });
  const ready = await call('GET', '/readyz', { auth: false });
  isError(ready, 503, /Temporal/);
  assert.deepEqual(ready.json.problems, ['Temporal is not reachable']);
});

test('the request id is the client’s when it is plain, else a new one', async () => {
  const given = await call('GET', '/healthz', { headers: { 'X-Request-Id': 'abc-1.2_3' } });
  assert.equal(given.headers.get('x-request-id'), 'abc-1.2_3');
  for (const id of ['a b', 'x'.repeat(65), '{"a":1}']) {
    const answer = await call('GET', '/healthz', { headers: { 'X-Request-Id': id } });
    assert.match(answer.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  }
});

test('CORS: exact origins only, errors included, preflights before auth', async () => {
  const origin = { Origin: 'https://studio.example' };
  const answer = await call('GET', '/api/workflows', { headers: origin, auth: false });
  assert.equal(answer.status, 401);
  assert.equal(answer.headers.get('access-control-allow-origin'), origin.Origin);
  assert.match(answer.headers.get('access-control-expose-headers') ?? '', /X-Turn-Id/);
  assert.equal(answer.headers.get('vary'), 'Origin');
  const preflight = await call('OPTIONS', chatPath(), {
    auth: false,
    headers: { ...origin, 'Access-Control-Request-Method': 'POST' },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /Idempotency-Key/);
  for (const other of [
    'https://studio.example.evil',
    'http://studio.example',
    'https://STUDIO.example',
    'null',
  ]) {
    const refused = await call('GET', '/healthz', { headers: { Origin: other } });
    assert.equal(refused.headers.get('access-control-allow-origin'), null, other);
  }
});

test('bodies: 413 over 8 MB, 415 for what is no JSON, 400 for what is malformed', async () => {
  const padded = (size: number) => `{"message":"","x":"${'x'.repeat(size - 21)}"}`;
  isError(await call('POST', chatPath(), { body: padded(8 * 1024 * 1024) }), 400, /message/);
  const large = await call('POST', chatPath(), { body: padded(8 * 1024 * 1024 + 1) });
  isError(large, 413, /8 MB/);
  isError(
    await call('POST', chatPath(), {
      body: 'a=1',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    }),
    415,
  );
  isError(await call('POST', chatPath(), { body: '{}', headers: { 'Content-Type': 'text/plain' } }), 415);
  isError(
    await call('POST', chatPath(), {
      body: '{}',
      headers: { 'Content-Type': 'application/json; charset=utf-16' },
    }),
    415,
  );
  isError(await call('POST', chatPath(), { body: '{}', headers: { 'Content-Encoding': 'gzip' } }), 415);
  isError(await call('POST', chatPath(), { body: '{' }), 400, /not valid JSON/);
  isError(await call('POST', chatPath(), { body: '[]' }), 400, /object/);
  isError(await call('POST', chatPath()), 400, /message is required/);
});

test('a body without end is answered with 413 and cut', async () => {
  const socket = connect(api.port, '127.0.0.1');
  let received = '';
  let sent = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  socket.on('error', () => undefined);
  const done = new Promise((resolve) => socket.on('close', resolve));
  socket.write(
    `POST ${chatPath()} HTTP/1.1\r\nHost: x\r\nAuthorization: ${api.headers.Authorization}\r\n` +
      'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  const pump = () => {
    while (!socket.destroyed && sent < 200) {
      sent += 1;
      socket.write(`${chunk.length.toString(16)}\r\n`);
      if (!socket.write(Buffer.concat([chunk, Buffer.from('\r\n')]))) {
        socket.once('drain', pump);
        return;
      }
    }
  };
  pump();
  await done;
  assert.ok(sent < 200, `${sent} MB were taken`);
  // The answer may be lost to the reset; what must not happen is that we read on.
  if (received !== '') assert.match(received, /^HTTP\/1\.1 413 /);
});

test('what is no HTTP gets an answer in the form of all others', async () => {
  const { createServer } = await import('node:http');
  const server = createServer(() => undefined).on('clientError', (error: Error, socket) =>
    answerClientError(error, socket as Parameters<typeof answerClientError>[1]),
  );
  const { port, close } = await listenLocally(server);
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  const done = new Promise((resolve) => socket.on('close', resolve));
  socket.write('NONSENSE\r\n\r\n');
  await done;
  assert.match(received, /^HTTP\/1\.1 400 [\s\S]*X-Request-Id: [\s\S]*\{"error":"/);
  await close();
});

test('chat streams a turn', async () => {
  started = [];
  const answer = await chat({
    message: '  hello\u0000  ',
    unknown: 1,
    workflow_state: { nodes: [{ id: 'a' }], edges: [] },
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.equal(answer.headers.get('cache-control'), 'no-cache');
  assert.equal(answer.headers.get('x-accel-buffering'), 'no');
  assert.ok(answer.headers.get('x-turn-id'));
  assert.equal(
    answer.text,
    'retry: 1000\n\ndata: {"event":"content_delta","seq":1,"step":1,"delta":"a"}\n\nid: 1\n\n' +
      `data: ${JSON.stringify({ event: 'complete', seq: 2, ...COMPLETE.payload })}\n\nid: 2\n\n`,
  );
  const [input] = started;
  assert.equal(input?.message, '  hello\uFFFD  ');
  assert.equal(input?.idempotencyKey, null);
  assert.equal(input?.graph?.blocks[0]?.id, 'a');
  assert.deepEqual([input?.session.id, input?.session.workflowId], [session.sessionId, session.workflowId]);
});

test('chat without workflow_state uses the persisted graph', async () => {
  started = [];
  await chat({ message: 'hi' });
  await chat({ message: 'hi', workflow_state: null });
  assert.deepEqual(
    started.map((input) => input.graph),
    [null, null],
  );
});

test('chat refuses what it can’t use, naming the field, and starts nothing', async () => {
  started = [];
  for (const message of [
    undefined,
    null,
    '',
    '  \n\t',
    '\u200B',
    '\u3164 \u2800',
    '\uFE0F\u{E0041}',
    1,
    true,
    [],
    {},
    'x'.repeat(32_001),
    '😀'.repeat(32_001),
    ` ${'x'.repeat(32_001)} `,
    ' '.repeat(100_000),
  ])
    isError(await chat({ message }), 400, /^message /);
  for (const state of [
    1,
    'x',
    true,
    [],
    {},
    { nodes: 1 },
    { nodes: {} },
    { nodes: [1] },
    { nodes: [{}] },
    { nodes: [], edges: 1 },
    { nodes: [{ id: 'a' }, { id: 'a' }] },
  ])
    isError(await chat({ message: 'hi', workflow_state: state }), 400, /^workflow_state/);
  isError(await chat({ message: 'hi' }, { 'Idempotency-Key': '' }), 400, /Idempotency-Key/);
  isError(await chat({ message: 'hi' }, { 'Idempotency-Key': 'x'.repeat(256) }), 400, /Idempotency-Key/);
  assert.equal(started.length, 0);
  for (const message of ['x'.repeat(32_000), '😀'.repeat(32_000), ' \n hi \n', '\u{10FFFF}', '\uE000'])
    assert.equal((await chat({ message })).status, 200);
  assert.equal(started.at(-3)?.message, ' \n hi \n', 'a message is kept as it came');
  for (const message of [` ${'x'.repeat(32_000)} `, `hi${' '.repeat(1_000_000)}`]) {
    assert.equal((await chat({ message })).status, 200);
    assert.equal(
      started.at(-1)?.message,
      message.trim(),
      'blanks make no message longer than a message may be',
    );
  }
  assert.equal((await chat({ message: 'hi' }, { 'Idempotency-Key': 'x'.repeat(255) })).status, 200);
  assert.equal(started.at(-1)?.idempotencyKey, 'x'.repeat(255));
});

test('chat on an unknown, foreign or malformed session: 404 with the same bytes', async () => {
  const foreign = await insertSession(api.db, 'somebody-else');
  const user = { Authorization: `Bearer ${await signToken({ role: 'authenticated', sub: 'me' })}` };
  const bodies = new Set<string>();
  for (const id of [foreign.sessionId, randomUUID(), 'x', '%00', session.sessionId]) {
    const answer = await call('POST', chatPath(id), { body: '{"message":"hi"}', headers: user });
    isError(answer, 404);
    bodies.add(answer.text);
  }
  assert.equal(bodies.size, 1);
  const own = await insertSession(api.db, 'me');
  assert.equal(
    (await call('POST', chatPath(own.sessionId), { body: '{"message":"hi"}', headers: user })).status,
    200,
  );
});

test('an attached chat goes on from Last-Event-ID, a new one begins at the start', async () => {
  const usual = start;
  start = async (input) => ({ ...(await usual(input)), attached: input.idempotencyKey === 'again' });
  const attached = await chat({ message: 'hi' }, { 'Idempotency-Key': 'again', 'Last-Event-ID': '1' });
  const fresh = await chat({ message: 'hi' }, { 'Last-Event-ID': '1' });
  start = usual;
  assert.deepEqual(
    [...attached.text.matchAll(/^id: (\d+)/gm)].map((match) => match[1]),
    ['2'],
  );
  assert.deepEqual(
    [...fresh.text.matchAll(/^id: (\d+)/gm)].map((match) => match[1]),
    ['1', '2'],
  );
});

test('errors of the turn control become documented bodies; others tell nothing', async () => {
  const usual = start;
  const failWith = async (error: unknown) => {
    start = async () => {
      throw error;
    };
    const answer = await chat({ message: 'hi' });
    start = usual;
    return answer;
  };
  const body = { error: 'A turn is running', turn_id: randomUUID() };
  const conflict = await failWith(new HttpError(409, body.error, { turn_id: body.turn_id }));
  isError(conflict, 409);
  assert.deepEqual(conflict.json, body);
  const limited = await failWith(new HttpError(503, 'Slow down', {}, { 'Retry-After': '7' }));
  assert.equal(limited.headers.get('retry-after'), '7');
  isError(
    await failWith(Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' })),
    503,
    /database/,
  );
  isError(await failWith(Object.assign(new Error('x'), { name: 'KnexTimeoutError' })), 503, /database/);
  isError(
    await failWith(Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: '', metadata: {} })),
    503,
    /workflow service/,
  );
  isError(await failWith(Object.assign(new Error('invalid input syntax'), { code: '22P02' })), 400);
  for (const error of [
    new Error('select secret from t'),
    'text',
    null,
    undefined,
    { status: 418, message: 'x' },
  ]) {
    const answer = await failWith(error);
    assert.equal(answer.status, 500);
    assert.equal(
      answer.text,
      JSON.stringify({ error: `Internal error. The request id is ${answer.headers.get('x-request-id')}.` }),
    );
  }
});

test('cancel answers 202; ids that are none 404', async () => {
  cancel = async ({ turnId }) => {
    if (turnId !== '00000000-0000-4000-8000-00000000000a') throw new HttpError(404, 'No turn');
  };
  const path = (id: string) => `/api/copilot/sessions/${session.sessionId}/turns/${id}`;
  const answer = await call('POST', `${path('00000000-0000-4000-8000-00000000000A')}/cancel`);
  assert.equal(answer.status, 202);
  assert.deepEqual(answer.json, { ok: true });
  isError(await call('POST', `${path(randomUUID())}/cancel`), 404);
  isError(await call('POST', `${path('x')}/cancel`), 404);
  isError(await call('GET', path(randomUUID())), 404);
  isError(await call('GET', path('x')), 404);
});

test('500 hostile bodies: never a 500, and no stall', async () => {
  const hostileString = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      '\u0000',
      '\ud800',
      '__proto__',
      'constructor',
      'prototype',
      '',
      '\u2028',
      'toString',
      '1e400',
      '\uFEFF',
    ),
  );
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      hostileString,
      fc.double(),
      fc.constantFrom(null, true, 0, -0, 1e308),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(hostileString, tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  const node = fc.record(
    {
      id: fc.oneof(hostileString, value),
      type: value,
      name: value,
      position: value,
      config: value,
      data: value,
    },
    { requiredKeys: [] },
  );
  const body = fc.record(
    {
      message: fc.oneof(hostileString, value),
      workflow_state: fc.oneof(
        value,
        fc.record({ nodes: fc.array(node, { maxLength: 4 }), edges: fc.oneof(value, fc.array(value)) }),
      ),
      workflow_id: value,
      name: fc.oneof(hostileString, value),
      model: value,
      pre_snapshot: value,
      blocks: fc.oneof(value, fc.array(node, { maxLength: 3 })),
      edges: value,
    },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    { weight: 4, arbitrary: body.map((parsed) => JSON.stringify(parsed)) },
    // Mutated: a piece of it is cut out, or something is put in.
    fc
      .tuple(
        body,
        fc.nat(),
        fc.nat({ max: 20 }),
        fc.constantFrom('', '\u0000', '"', '{', ']', '1e999', '\\ud800', '\\'),
      )
      .map(([parsed, at, length, inserted]) => {
        const json = JSON.stringify(parsed);
        const from = at % (json.length + 1);
        return json.slice(0, from) + inserted + json.slice(from + length);
      }),
    fc.constantFrom(
      `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      '{"message":1e400}',
      '',
      '{"__proto__":{"x":1}}',
    ),
  );
  const routes = fc.constantFrom<[string, string][]>(
    ['POST', chatPath()],
    ['POST', '/api/copilot/sessions'],
    ['POST', '/api/workflows'],
    ['PUT', `/api/workflows/${session.workflowId}/graph`],
    ['PUT', '/api/copilot/settings/model'],
    ['POST', `/api/copilot/sessions/${session.sessionId}/messages/${randomUUID()}/snapshot`],
    ['POST', `/api/copilot/sessions/${session.sessionId}/messages/${randomUUID()}/revert`],
  );
  let longest = 0;
  await fc.assert(
    fc.asyncProperty(routes, text, async ([method, path], body) => {
      const startedAt = performance.now();
      const answer = await call(method, path, { body: Buffer.from(body) });
      longest = Math.max(longest, performance.now() - startedAt);
      assert.ok(answer.status < 500, `${method} ${path} ${answer.status} ${body.slice(0, 300)}`);
      assert.equal(Object.keys(Object.prototype).length, 0);
    }),
    { numRuns: 500 },
  );
  assert.ok(longest < 2_000, `${longest} ms`);
  assert.equal((await call('GET', '/api/workflows?limit=100')).status, 200);
});

test('the log has ids and statuses, and nothing that callers wrote', async () => {
  log.length = 0;
  const canary = 'canary-3141592';
  await chat({ message: canary, workflow_state: { nodes: [{ id: canary }] } }, { 'Idempotency-Key': canary });
  await call('GET', `/api/workflows?x=${canary}`);
  await call('GET', `/${canary}`);
  await call('GET', '/api/workflows', { headers: { Authorization: `Bearer ${canary}` } });
  const line = JSON.parse(log[0]!) as Record<string, unknown>;
  assert.equal(line.session, session.sessionId);
  assert.equal(line.route, '/api/copilot/sessions/:id/chat');
  assert.equal(line.status, 200);
  assert.ok(line.request_id && line.turn);
  assert.ok(!log.join('').includes(canary));
  assert.ok(!log.join('').includes('eyJ'));
});
