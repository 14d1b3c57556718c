/** Readers of a turn whose stream retention shortens before, while and after they read it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { purgeTurn } from '../../../db/turns/purge-turn.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertOldTurn } from '../../support/old-turns.ts';
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

before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({ databaseUrl: database.url });
  session = await insertSession(api.db);
});
after(async () => {
  await api?.close();
  await database?.drop();
});

const goOn = async (): Promise<void> => undefined;

function read(turnId: string, cursor?: number): StreamClient {
  const from = cursor === undefined ? {} : { headers: { 'Last-Event-ID': String(cursor) } };
  return openTurnStream(api, { sessionId: session.sessionId, turnId }, from);
}
const namesOf = (client: StreamClient) => client.events().map(({ event }) => event);

test('a reader gets the short stream from any cursor, and nothing beyond its end', async () => {
  const turn = await insertOldTurn(api.db, session);
  await purgeTurn(api.db, turn.id, goOn);
  const short = ['start', 'content_delta', 'complete'];
  for (const [cursor, expected] of [
    [undefined, short],
    [1, short.slice(1)],
    [2, short.slice(2)],
    [3, []],
    [4, []],
    [99, []],
  ] as const) {
    const client = read(turn.id, cursor);
    await client.until((c) => c.ended());
    assert.match(client.head(), /^HTTP\/1\.1 200 /);
    assert.deepEqual(namesOf(client), expected, `after ${cursor}`);
  }
});

test('a slow reader whose turn is shortened keeps what it has, and gets no event of the short stream', async () => {
  const turn = await insertTurn(api.db, session);
  // The first page ends with event 2, which is too large for the buffers between.
  const texts = ['x'.repeat(8_000_000), 'y', 'z'];
  const whole = [
    startEvent(turn),
    ...texts.map((delta) => ({ event: 'content_delta', payload: { step: 1, delta } })),
    completeEvent(texts.join('')),
  ];
  await appendEvents(api.db, turn, whole);
  const slow = read(turn);
  await slow.until((c) => c.head() !== '');
  slow.socket.pause();
  await purgeTurn(api.db, turn, goOn);
  slow.socket.resume();
  await slow.until((c) => c.ended(), 30_000);
  assert.deepEqual(
    namesOf(slow),
    ['start', 'content_delta'],
    'event 3 of the short stream is not its next one',
  );
  assert.deepEqual(seqsOf(slow.events()), [1, 2]);

  const again = read(turn);
  await again.until((c) => c.ended(), 30_000);
  assert.deepEqual(namesOf(again), ['start', 'content_delta', 'complete']);
  const [, delta, end] = again.events();
  assert.ok(delta!.delta === texts.join('') && end!.content === delta!.delta);
});
