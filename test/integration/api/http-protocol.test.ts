/** Requests that are odd as HTTP, as raw bytes: each answer is JSON with a message and a request id, and none is a 500. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../../support/api-database.ts';
import {
  appendEvents,
  insertSession,
  insertTurn,
  startTestApi,
  type TestApi,
} from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({ databaseUrl: database.url });
});
after(async () => {
  await api?.close();
  await database?.drop();
});

interface RawAnswer {
  status: number;
  head: string;
  body: string;
}

/** Sends bytes and reads until the server closes; `Connection: close` is the sender's to ask for. */
async function sendRaw(bytes: string | Buffer): Promise<Buffer> {
  const socket = connect(api.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.write(bytes);
  await closed;
  return Buffer.concat(chunks);
}

async function send(bytes: string | Buffer): Promise<RawAnswer[]> {
  let rest = (await sendRaw(bytes)).toString();
  const answers: RawAnswer[] = [];
  while (rest !== '') {
    const match = /^HTTP\/1\.1 (\d{3})[^\r\n]*(?:\r\n([\s\S]*?))??\r\n\r\n/.exec(rest);
    assert.ok(match, rest.slice(0, 200));
    const [all, status, head = ''] = match;
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    answers.push({ status: Number(status), head, body: rest.slice(all.length, all.length + length) });
    rest = rest.slice(all.length + length);
  }
  return answers.filter(({ status }) => status !== 100);
}

const request = (line: string, headers: string[] = [], body = '') =>
  [
    line,
    'Host: x',
    `Authorization: ${api.headers.Authorization}`,
    'Connection: close',
    ...headers,
    '',
    body,
  ].join('\r\n');

function assertError({ status, head, body }: RawAnswer, name: string): void {
  assert.match(head, /^x-request-id: \S+/im, name);
  assert.match(head, /^content-type: application\/json/im, name);
  const { error } = JSON.parse(body) as { error: unknown };
  assert.ok(typeof error === 'string' && error !== '', name);
  assert.ok(status >= 400 && status < 500, `${name}: ${status}`);
}

const JSON_TYPE = 'Content-Type: application/json';
const WORKFLOWS = '/api/workflows';

test('every malformed request is answered in the form of all errors', async () => {
  const post = (headers: string[], body = '') =>
    request(`POST ${WORKFLOWS} HTTP/1.1`, [JSON_TYPE, ...headers], body);
  const cases: [string, string, number][] = [
    ['no HTTP', 'NONSENSE\r\n\r\n', 400],
    ['TLS on a plain port', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001', 400],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['an unknown version', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 400],
    ['an unknown method', 'BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['a method of no route', request('PROPFIND /api/workflows HTTP/1.1'), 405],
    ['TRACE', request('TRACE /api/workflows HTTP/1.1'), 405],
    ['CONNECT', 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n', 405],
    ['no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a broken escape', request('GET /api/%ff HTTP/1.1'), 404],
    ['a broken escape in an id', request('GET /api/workflows/%ff HTTP/1.1'), 404],
    ['half an escape', request('GET /api/workflows/% HTTP/1.1'), 404],
    ['an absolute target with a wrong port', request('GET http://a.example:99999999/healthz HTTP/1.1'), 400],
    ['an absolute target with a wrong host', request('GET http://[::/healthz HTTP/1.1'), 400],
    ['an absolute target to nowhere', request('GET http://a.example/nothing HTTP/1.1'), 404],
    ['a target that is no path', request('GET * HTTP/1.1'), 404],
    ['OPTIONS *', request('OPTIONS * HTTP/1.1'), 404],
    ['headers of 20 KB', request('GET /healthz HTTP/1.1', [`X-Long: ${'x'.repeat(20_000)}`]), 431],
    ['a target of 20 KB', request(`GET /${'x'.repeat(20_000)} HTTP/1.1`), 431],
    ['a header without a colon', request('GET /healthz HTTP/1.1', ['nonsense']), 400],
    ['a NUL in a header', request('GET /healthz HTTP/1.1', ['X-A: a\u0000b']), 400],
    ['an unknown expectation', post(['Expect: a-miracle', 'Content-Length: 2'], '{}'), 417],
    [
      'an upgrade',
      request('GET /nothing HTTP/1.1', ['Upgrade: websocket']).replace('close', 'upgrade, close'),
      404,
    ],
    ['a negative length', post(['Content-Length: -1']), 400],
    ['a length that is no number', post(['Content-Length: abc'], '{}'), 400],
    ['a length beyond all numbers', post([`Content-Length: ${'9'.repeat(40)}`], '{}'), 400],
    ['two lengths', post(['Content-Length: 2', 'Content-Length: 3'], '{}'), 400],
    ['a length and chunks', post(['Content-Length: 2', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), 400],
    ['an unknown transfer encoding', post(['Transfer-Encoding: gzip'], 'x'), 400],
    ['a chunk that is none', post(['Transfer-Encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'), 400],
    ['a chunk longer than it says', post(['Transfer-Encoding: chunked'], '1\r\n{}\r\n0\r\n\r\n'), 400],
    [
      'extensions of chunks',
      post(['Transfer-Encoding: chunked'], `2;a=${'x'.repeat(20_000)}\r\n{}\r\n`),
      413,
    ],
    ['gzip', post(['Content-Encoding: gzip', 'Content-Length: 2'], '{}'), 415],
    [
      'a charset',
      request(`POST ${WORKFLOWS} HTTP/1.1`, [`${JSON_TYPE}; charset=latin1`, 'Content-Length: 2'], '{}'),
      415,
    ],
    ['no content type', request(`POST ${WORKFLOWS} HTTP/1.1`, ['Content-Length: 2'], '{}'), 415],
    ['two content types', post(['Content-Type: text/plain', 'Content-Length: 2'], '{}'), 400],
    ['only a byte order mark', post(['Content-Length: 3'], '\u{FEFF}'), 400],
    ['a byte order mark before an object', post(['Content-Length: 5'], '\u{FEFF}{}'), 400],
    ['an empty body', post(['Content-Length: 0']), 400],
    ['a query of repeats', request(`GET ${WORKFLOWS}?limit=1&limit=2 HTTP/1.1`), 400],
    ['a query of a list', request(`GET ${WORKFLOWS}?limit[]=1&offset=x HTTP/1.1`), 400],
    ['two hosts', request(`GET ${WORKFLOWS} HTTP/1.1`, ['Host: y']), 400],
    ['two tokens of Authorization', request(`GET ${WORKFLOWS} HTTP/1.1`, ['Authorization: Bearer x']), 400],
    ['two idempotency keys', post(['Idempotency-Key: a', 'Idempotency-Key: b']), 400],
    [
      'two tokens',
      `GET ${WORKFLOWS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\napikey: a\r\napikey: b\r\n\r\n`,
      401,
    ],
  ];
  for (const [name, bytes, status] of cases) {
    const [answer, ...more] = await send(bytes);
    assert.ok(answer, `${name}: no answer`);
    assertError(answer, name);
    assert.equal(answer.status, status, name);
    assert.deepEqual(more, [], name);
  }
  assert.equal((await fetch(`${api.url}/healthz`)).status, 200);
});
test('a malformed HEAD is answered without a body', async () => {
  const long = `X-Long: ${'x'.repeat(20_000)}`;
  const chunked = ['Transfer-Encoding: chunked'];
  for (const bytes of [
    request('HEAD /healthz HTTP/1.1', [long]),
    request('HEAD /healthz HTTP/1.1', chunked, 'zz\r\n{}\r\n0\r\n\r\n'),
  ]) {
    const answer = (await sendRaw(bytes)).toString();
    assert.match(answer, /^HTTP\/1\.1 4\d\d /);
    assert.ok(answer.endsWith('\r\n\r\n'), answer);
  }
});

test('odd requests that are good are served', async () => {
  const cases: [string, string, number][] = [
    ['an absolute target', request('GET http://elsewhere.example/healthz HTTP/1.1'), 200],
    ['an old version without a host', 'GET /healthz HTTP/1.0\r\n\r\n', 200],
    [
      'Expect: 100-continue',
      request(
        `POST ${WORKFLOWS} HTTP/1.1`,
        [JSON_TYPE, 'Expect: 100-continue', 'Content-Length: 12'],
        '{"name":"a"}',
      ),
      201,
    ],
    [
      'chunks',
      request(
        `POST ${WORKFLOWS} HTTP/1.1`,
        [JSON_TYPE, 'Transfer-Encoding: chunked'],
        '5\r\n{"nam\r\n7\r\ne":"b"}\r\n0\r\n\r\n',
      ),
      201,
    ],
    [
      'an upgrade',
      request('GET /healthz HTTP/1.1', ['Upgrade: h2c']).replace('close', 'upgrade, close'),
      200,
    ],
    ['OPTIONS', request(`OPTIONS ${WORKFLOWS} HTTP/1.1`), 204],
    ['HEAD', request(`HEAD ${WORKFLOWS} HTTP/1.0`), 200],
  ];
  for (const [name, bytes, status] of cases) {
    const [answer] = await send(bytes);
    assert.equal(answer?.status, status, `${name} ${answer?.body}`);
    assert.match(answer.head, /^x-request-id: \S+/im, name);
  }
});

test('a body that is cut off changes nothing and harms nobody', async () => {
  const count = async () => {
    const { rows } = await api.db.raw<{ rows: { n: number }[] }>(
      'select count(*)::int as n from ai.workflows',
    );
    return rows[0]!.n;
  };
  const before = await count();
  const socket = connect(api.port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.write(request(`POST ${WORKFLOWS} HTTP/1.1`, [JSON_TYPE, 'Content-Length: 100'], '{"name":"half'));
  while (api.connections.size === 0) await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  await closed;
  assert.equal((await fetch(`${api.url}/healthz`)).status, 200);
  assert.equal(await count(), before);
});

test('garbage behind a request does not end up in its stream', async () => {
  const session = await insertSession(api.db);
  const turnId = await insertTurn(api.db, session);
  await appendEvents(api.db, turnId, [{ event: 'status', payload: { message: 'Thinking...' } }]);
  const socket = connect(api.port, '127.0.0.1');
  let received = '';
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    if (!received.includes('Thinking') && chunk.includes('Thinking')) socket.write('GARBAGE\r\n\r\n');
    received += chunk.toString();
  });
  socket.write(
    request(`GET /api/copilot/sessions/${session.sessionId}/turns/${turnId}/events HTTP/1.1`).replace(
      'close',
      'keep-alive',
    ),
  );
  await closed;
  assert.equal(received.match(/HTTP\/1\.1/g)?.length, 1, received);
});
