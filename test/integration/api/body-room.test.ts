/** Large bodies take a bounded part of the memory, however many come at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { MAX_BODY_BYTES, ROOM } from '../../../api/middleware/body.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
const sockets: Socket[] = [];

before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({ databaseUrl: database.url });
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  await api.close();
  await database.drop();
});

const head = (length: number, more = '') =>
  `POST /api/workflows HTTP/1.1\r\nHost: x\r\nAuthorization: ${api.headers.Authorization}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;

/** Announces a large body and sends none of it. Resolves when the server has seen the request. */
async function announce(): Promise<Socket> {
  const socket = connect(api.port, '127.0.0.1');
  sockets.push(socket);
  // The server says 100 and hands the request on in one go.
  socket.write(head(MAX_BODY_BYTES, 'Expect: 100-continue\r\n'));
  await once(socket, 'data');
  return socket;
}

const create = (bytes: number): Promise<Response> =>
  fetch(`${api.url}/api/workflows`, {
    method: 'POST',
    headers: { ...api.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'A', filler: 'x'.repeat(bytes) }),
  });

test('with all room taken a large body waits, then is a 503; a small one is served at once', async () => {
  const open = await Promise.all(Array.from({ length: ROOM.bytes / MAX_BODY_BYTES }, announce));
  const startedAt = performance.now();
  const refused = create(6_000_000);
  assert.equal((await create(10)).status, 201);
  assert.ok(performance.now() - startedAt < ROOM.waitMs / 2);
  const answer = await refused;
  assert.equal(answer.status, 503);
  assert.match(((await answer.json()) as { error: string }).error, /Too many large bodies/);
  assert.equal(answer.headers.get('retry-after'), '5');
  assert.ok(performance.now() - startedAt >= ROOM.waitMs);

  const waiting = [create(6_000_000), create(6_000_000)];
  const gone = await announceAndGo();
  open[0]!.destroy();
  for (const response of await Promise.all(waiting)) assert.equal(response.status, 201);
  assert.ok(gone.destroyed);
  for (const socket of open) socket.destroy();
  const many = await Promise.all(Array.from({ length: 20 }, () => create(1_000_000)));
  assert.deepEqual(new Set(many.map(({ status }) => status)), new Set([201]), 'what was taken is given back');
});

/** A client that goes while its body waits for room. */
async function announceAndGo(): Promise<Socket> {
  const socket = await announce();
  socket.destroy();
  return socket;
}
