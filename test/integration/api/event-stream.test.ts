/**
 * The event streams on a real Postgres. The tests write rows by SQL, as the worker does. One file, because the tests share
 * one API and its hub.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase } from '../../support/api-database.ts';
import { openTurnStream, type StreamClient, seqsOf } from '../../support/stream-client.ts';
import {
  appendEvents,
  completeEvent,
  insertSession,
  insertTurn,
  startEvent,
  startTestApi,
  type TestApi,
} from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
let session: { sessionId: string; workflowId: string };
let silenceAnswer: { message: string; step?: number } | null = null;
let silenceAsked: string[] = [];

before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    silenceMs: 1_000,
    turns: {
      inspectSilence: async (turnId) => {
        silenceAsked.push(turnId);
        return silenceAnswer;
      },
    },
  });
  session = await insertSession(api.db);
});
after(async () => {
  await api?.close();
  await database?.drop();
});

const delta = (text: string) => ({ event: 'content_delta', payload: { step: 1, delta: text } });
const complete = completeEvent;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

function read(turnId: string, headers: Record<string, string> = {}, query = ''): StreamClient {
  return openTurnStream(api, { sessionId: session.sessionId, turnId }, { headers, query });
}
/** A ping comes when its time comes, which is between other events for a reader that is behind. */
const withoutPings = (client: StreamClient) => client.body().replaceAll(': ping\n\n', '');
const over = (client: StreamClient) => client.ended();
async function noViewers(): Promise<void> {
  for (let tries = 0; api.hub.viewerCount > 0; tries += 1) {
    assert.ok(tries < 400, `${api.hub.viewerCount} viewers are left`);
    await delay(10);
  }
}

test('streams what is there and what comes, then closes', async () => {
  const turn = await insertTurn(api.db, session);
  await appendEvents(api.db, turn, [startEvent(turn), delta('a')]);
  const client = read(turn);
  await client.until((c) => c.events().length === 2);
  await appendEvents(api.db, turn, [delta('b')]);
  await client.until((c) => c.events().length === 3);
  assert.equal(client.ended(), false);
  await appendEvents(api.db, turn, [delta('c'), complete('abc')]);
  await client.until(over);
  assert.deepEqual(seqsOf(client.events()), [1, 2, 3, 4, 5]);
  const head = client.head();
  assert.match(head, /^HTTP\/1\.1 200 /);
  assert.match(head, /\r\ncontent-type: text\/event-stream/i);
  assert.match(head, /\r\ncache-control: no-cache\r\n/i);
  assert.match(head, /\r\nx-accel-buffering: no\r\n/i);
  assert.match(head, new RegExp(`\\r\\nx-turn-id: ${turn}\\r\\n`, 'i'));
  assert.match(head, /\r\nx-request-id: /i);
  assert.ok(client.body().startsWith('retry: 1000\n\ndata: {"event":"start","seq":1,'));
  assert.ok(client.body().endsWith('\n\nid: 5\n\n'));
  await noViewers();
});

test('headers and the retry line come before the first event', async () => {
  const turn = await insertTurn(api.db, session);
  const client = read(turn);
  await client.until((c) => c.body() === 'retry: 1000\n\n');
  client.socket.destroy();
  await noViewers();
});

test('a delta reaches its reader within milliseconds', async () => {
  const turn = await insertTurn(api.db, session);
  const client = read(turn);
  await client.until((c) => c.body() !== '');
  const delays: number[] = [];
  for (const n of range(1, 30)) {
    const startedAt = performance.now();
    await appendEvents(api.db, turn, [delta('x')]);
    await client.until((c) => withoutPings(c).endsWith(`id: ${n}\n\n`));
    delays.push(performance.now() - startedAt);
  }
  delays.sort((a, b) => a - b);
  assert.ok(delays[15]! < 100, `p50 ${delays[15]} ms`);
  client.socket.destroy();
  await noViewers();
});

test('twenty readers of one turn, come at any time, receive the same bytes', async () => {
  const turn = await insertTurn(api.db, session);
  const clients: StreamClient[] = [];
  for (const n of range(1, 20)) {
    clients.push(read(turn));
    await appendEvents(api.db, turn, [delta(`${n} \u2028 é`), delta('y'.repeat(n * 500))]);
  }
  await appendEvents(api.db, turn, [complete('')]);
  await Promise.all(clients.map((client) => client.until(over)));
  assert.deepEqual(seqsOf(clients[0]!.events()), range(1, 41));
  for (const client of clients) assert.equal(withoutPings(client), withoutPings(clients[0]!));
  await noViewers();
});

test('a reader that is cut again and again sees every seq once', async () => {
  const turn = await insertTurn(api.db, session);
  const total = 200;
  let written = false;
  const writing = (async () => {
    for (const n of range(1, total)) await appendEvents(api.db, turn, [delta(String(n))]);
    await appendEvents(api.db, turn, [complete('')]);
    written = true;
  })();
  const seen: number[] = [];
  for (let tries = 0; seen.at(-1) !== total + 1; tries += 1) {
    assert.ok(tries < 500);
    const client = read(turn, seen.length > 0 ? { 'Last-Event-ID': String(seen.at(-1)) } : {});
    const enough = 1 + Math.floor(Math.random() * 12);
    await client.until((c) => c.ended() || seqsOf(c.events()).length >= enough);
    client.socket.destroy();
    // Only a whole id block counts for a client, as the standard says.
    const ids = [...client.body().matchAll(/\nid: (\d+)\n\n/g)].map((match) => Number(match[1]));
    seen.push(...ids);
  }
  await writing;
  assert.ok(written);
  assert.deepEqual(seen, range(1, total + 1));
  await noViewers();
});

test('a finished turn is served from any cursor; past its end there is nothing, closed', async () => {
  const turn = await insertTurn(api.db, session);
  await appendEvents(api.db, turn, [delta('a'), delta('b'), complete('ab')]);
  const cases: [Record<string, string>, string, number[]][] = [
    [{}, '', [1, 2, 3]],
    [{}, '?after=0', [1, 2, 3]],
    [{}, '?after=2', [3]],
    [{ 'Last-Event-ID': '1' }, '?after=2', [2, 3]],
    [{ 'Last-Event-ID': 'nonsense' }, '?after=2', [1, 2, 3]],
    [{ 'Last-Event-ID': '-4' }, '', [1, 2, 3]],
    [{ 'Last-Event-ID': '3' }, '', []],
    [{ 'Last-Event-ID': '99999999999999999999999' }, '', []],
    [{}, '?after=3', []],
    [{}, '?after=9007199254740993', []],
  ];
  for (const [headers, query, expected] of cases) {
    const client = read(turn, headers, query);
    await client.until(over);
    assert.match(client.head(), /^HTTP\/1\.1 200 /);
    assert.deepEqual(seqsOf(client.events()), expected, JSON.stringify([headers, query]));
  }
  for (const query of ['?after=-1', '?after=1.5', '?after=', '?after=x', '?after=1&after=2']) {
    const client = read(turn, {}, query);
    await client.until(over);
    assert.match(client.head(), /^HTTP\/1\.1 400 /, query);
  }
  await noViewers();
});

test('another session, an unknown, malformed or starting turn: 404', async () => {
  const other = await insertSession(api.db);
  const turn = await insertTurn(api.db, other);
  const starting = await insertTurn(api.db, session, 'starting');
  for (const id of [turn, starting, randomUUID(), 'x', '%00', '%E0%A4%A', "'"]) {
    const client = read(id);
    await client.until(over);
    assert.match(client.head(), /^HTTP\/1\.1 404 /, id);
  }
});

test('HEAD answers the headers only', async () => {
  const turn = await insertTurn(api.db, session);
  const { sessionId } = session;
  const client = openTurnStream(api, { sessionId, turnId: turn }, { method: 'HEAD' });
  await client.until(over);
  assert.match(client.head(), /^HTTP\/1\.1 200 [\s\S]*text\/event-stream/);
  assert.equal(client.body(), '');
});

test('a client that stops reading is held for in bounded memory and gets everything later; others are not delayed', async () => {
  const turn = await insertTurn(api.db, session);
  const slow = read(turn);
  await slow.until((c) => c.body() !== '');
  slow.socket.pause();
  const quick = read(turn);
  // Far more than the kernel's buffers hold.
  const megabytes = 24;
  const text = 'x'.repeat(64 * 1024);
  let held = 0;
  for (const n of range(1, megabytes * 16)) {
    await appendEvents(api.db, turn, [delta(text)]);
    if (n % 16 !== 0) continue;
    await quick.until((c) => c.socket.bytesRead > n * text.length);
    held = Math.max(held, ...responsesOf(api));
  }
  assert.ok(slow.socket.bytesRead < 1024 * 1024, 'it has stopped reading');
  assert.ok(held > 0 && held < 1024 * 1024, `${held} bytes held`);
  await appendEvents(api.db, turn, [complete('')]);
  await quick.until(over);
  assert.equal(slow.ended(), false);
  slow.socket.resume();
  await slow.until((c) => c.ended(), 30_000);
  assert.deepEqual(seqsOf(slow.events()), range(1, megabytes * 16 + 1));
  assert.equal(withoutPings(slow), withoutPings(quick));
  await noViewers();
});

test('an announcement that never comes is made up for', async () => {
  const turn = await insertTurn(api.db, session);
  const client = read(turn);
  await client.until((c) => c.body() !== '');
  await appendEvents(api.db, turn, [delta('a'), complete('a')], { announce: false });
  await client.until(over, 8_000);
  assert.deepEqual(seqsOf(client.events()), [1, 2]);
  await noViewers();
});

test('when every connection to the database is cut, streams stay open and go on', async () => {
  const turn = await insertTurn(api.db, session);
  const client = read(turn);
  await client.until((c) => c.body() !== '');
  for (const round of range(1, 3)) {
    await api.db.raw(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and application_name like 'copilot-%'`,
    );
    await appendEvents(api.db, turn, [delta(String(round))]);
    await client.until((c) => seqsOf(c.events()).length === round, 3_000);
  }
  await appendEvents(api.db, turn, [complete('')]);
  await client.until(over);
  assert.deepEqual(seqsOf(client.events()), [1, 2, 3, 4]);
  await noViewers();
});

test('a silent turn says what is known, live only, and real events follow without a gap', async () => {
  const turn = await insertTurn(api.db, session);
  silenceAnswer = { message: 'Waiting for a worker...', step: 2 };
  silenceAsked = [];
  const clients = [read(turn), read(turn), read(turn)];
  await Promise.all(clients.map((client) => client.until((c) => c.events().length === 1)));
  assert.equal(silenceAsked.length, 1, 'once per turn, not per reader');
  silenceAnswer = { message: 'Model overloaded (retry 2 in 4 s)...' };
  await Promise.all(clients.map((client) => client.until((c) => c.events().length === 2)));
  silenceAnswer = null;
  await appendEvents(api.db, turn, [delta('a'), complete('a')]);
  await Promise.all(clients.map((client) => client.until(over)));
  for (const client of clients) {
    assert.deepEqual(client.events().slice(0, 2), [
      { event: 'status', message: 'Waiting for a worker...', step: 2 },
      { event: 'status', message: 'Model overloaded (retry 2 in 4 s)...' },
    ]);
    assert.deepEqual(seqsOf(client.events()), [1, 2]);
    assert.equal([...client.body().matchAll(/^id: /gm)].length, 2);
  }
  await noViewers();
});

test('a turn whose session was deleted ends for its readers as workflow_gone', async () => {
  const doomed = await insertSession(api.db);
  const turn = await insertTurn(api.db, doomed);
  await appendEvents(api.db, turn, [delta('a')]);
  const client = openTurnStream(api, { sessionId: doomed.sessionId, turnId: turn });
  await client.until((c) => c.events().length === 1);
  await api.db.raw('delete from ai.workflows where id = ?', [doomed.workflowId]);
  await client.until(over);
  const last = client.events().at(-1)!;
  assert.equal(last.event, 'error');
  assert.equal(last.code, 'workflow_gone');
  assert.equal(last.seq, 2);
  assert.equal(last.turn_id, turn);
  await noViewers();
});

test('a log of many pages arrives whole and in order', async () => {
  const turn = await insertTurn(api.db, session);
  const sizes = [10, 300_000, 5, 5, 700_000, 1, 100_000, 100_000, 100_000, 2];
  await appendEvents(
    api.db,
    turn,
    sizes.map((size) => delta('z'.repeat(size))),
  );
  await appendEvents(
    api.db,
    turn,
    Array.from({ length: 2_500 }, (_, n) => delta(String(n))),
  );
  await appendEvents(api.db, turn, [complete('')]);
  const client = read(turn);
  await client.until(over, 15_000);
  assert.deepEqual(seqsOf(client.events()), range(1, sizes.length + 2_501));
  await noViewers();
});

test('after a thousand connects and cuts nothing is left', async () => {
  const turn = await insertTurn(api.db, session);
  await appendEvents(api.db, turn, [delta('a')]);
  const timersBefore = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  for (const _batch of range(1, 20)) {
    const clients = range(1, 50).map(() => read(turn));
    await Promise.all(clients.map((client) => client.until((c) => c.body() !== '')));
    for (const client of clients) client.socket.destroy();
  }
  await noViewers();
  await openSockets(0);
  const timersAfter = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  assert.ok(timersAfter <= timersBefore + 3, `${timersBefore} timers before, ${timersAfter} after`);
});

test('closing the hub ends every stream at once, and a reader goes on elsewhere', async () => {
  const other = await startTestApi({ databaseUrl: database.url });
  const turn = await insertTurn(api.db, session);
  await appendEvents(api.db, turn, [delta('a')]);
  const first = openTurnStream(other, { sessionId: session.sessionId, turnId: turn });
  await first.until((c) => c.events().length === 1);
  const startedAt = performance.now();
  await other.hub.close();
  await first.until(over);
  assert.ok(performance.now() - startedAt < 2_000);
  await appendEvents(api.db, turn, [delta('b'), complete('ab')]);
  const second = read(turn, { 'Last-Event-ID': '1' });
  await second.until(over);
  assert.deepEqual(seqsOf([...first.events(), ...second.events()]), [1, 2, 3]);
  await other.close();
  await noViewers();
});

/** Bytes that wait in the server's responses and sockets, per connection. */
function responsesOf(target: TestApi): number[] {
  return [...target.connections].map((socket) => socket.writableLength);
}

async function openSockets(count: number): Promise<void> {
  for (let tries = 0; api.connections.size > count; tries += 1) {
    assert.ok(tries < 400, `${api.connections.size} sockets are open`);
    await delay(10);
  }
}
