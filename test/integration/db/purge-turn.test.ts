/** What retention leaves of a turn, at every moment of its work, on a real database. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { rowsOf } from '../../../db/connection/sql-rows.ts';
import { createTurnEventReader, type TurnEventReader } from '../../../db/events/turn-event-pages.ts';
import { listMessages } from '../../../db/sessions/messages.ts';
import { loadHistory } from '../../../db/turns/history.ts';
import { listExpiredTurns, purgeTurn } from '../../../db/turns/purge-turn.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertOldTurn } from '../../support/old-turns.ts';
import { insertSession, insertTurn } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;
let reader: TurnEventReader;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 4 });
  reader = createTurnEventReader({ databaseUrl: database.url, connections: 1, onError: () => undefined });
});
after(async () => {
  await reader.close();
  await db.destroy();
  await database.drop();
});

const TEXT = 'Hello, you \u2028 "there"\n';
const goOn = async (): Promise<void> => undefined;

interface ReadEvent {
  seq: number;
  event: string;
  [field: string]: unknown;
}

async function readStream(turnId: string, after = 0): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for (let cursor = after; ; cursor = events.at(-1)!.seq) {
    const [page] = await reader.readPages([{ turnId, after: cursor }], 256 * 1024);
    for (const { seq, event, payload } of page?.events ?? [])
      events.push({ seq, event, ...(JSON.parse(payload) as object) });
    if (!page?.more) return events;
  }
}
const countOf = async (table: string, turnId: string): Promise<number> =>
  (
    await rowsOf<{ n: number }>(db, `select count(*)::int as n from ai.${table} where turn_id = ?`, [turnId])
  )[0]!.n;
const shapeOf = (events: ReadEvent[]) => events.map(({ seq, event }) => `${seq} ${event}`);

test('the stream of a purged turn is start, its text and its end; messages and the ledger stay', async () => {
  const session = await insertSession(db);
  const turn = await insertOldTurn(db, session);
  const whole = await readStream(turn.id);
  const before = (await listMessages(db, session.sessionId, { limit: null, before: null }))!;
  assert.equal(before[1]!.toolCalls[0]!.result, 'known');
  assert.ok(whole.length > 4);

  assert.equal(await purgeTurn(db, turn.id, goOn), true);
  const short = await readStream(turn.id);
  assert.deepEqual(shapeOf(short), ['1 start', '2 content_delta', '3 complete']);
  assert.deepEqual(short[0], whole[0]);
  assert.deepEqual(short[1], { seq: 2, event: 'content_delta', step: 1, delta: TEXT });
  assert.deepEqual(short[2], { ...whole.at(-1)!, seq: 3 });
  assert.equal(short[2].content, TEXT);
  assert.deepEqual(await readStream(turn.id, 3), []);
  assert.deepEqual(await readStream(turn.id, 99), []);

  assert.equal(await countOf('copilot_turn_events', turn.id), 3);
  assert.equal(await countOf('copilot_transcript', turn.id), 0);
  assert.equal(await countOf('copilot_turn_claims', turn.id), 0);
  assert.equal(await countOf('copilot_usage', turn.id), 1);
  const messages = (await listMessages(db, session.sessionId, { limit: null, before: null }))!;
  assert.deepEqual(messages, [before[0], { ...before[1]!, toolCalls: [], callsDeleted: true }]);
  assert.equal(before[1]!.callsDeleted, false);

  assert.equal(await purgeTurn(db, turn.id, goOn), true, 'again');
  assert.deepEqual(await readStream(turn.id), short);
});

test('a turn without text has two events, a failed one ends with its error', async () => {
  const session = await insertSession(db);
  const silent = await insertOldTurn(db, session, { deltas: [] });
  const failed = await insertOldTurn(db, session, { error: 'model_quota' });
  const failedSilent = await insertOldTurn(db, session, { error: 'internal', deltas: [] });
  for (const { id } of [silent, failed, failedSilent]) await purgeTurn(db, id, goOn);
  assert.deepEqual(shapeOf(await readStream(silent.id)), ['1 start', '2 complete']);
  assert.deepEqual(shapeOf(await readStream(failedSilent.id)), ['1 start', '2 error']);
  const [, delta, end] = await readStream(failed.id);
  assert.deepEqual([delta!.delta, end!.event, end!.code, end!.seq], [TEXT, 'error', 'model_quota', 3]);
});

test('a text whose message the platform has deleted is that of the last event', async () => {
  const session = await insertSession(db);
  const turn = await insertOldTurn(db, session);
  await db.raw('delete from ai.copilot_messages where id = ?', [turn.messageId]);
  await purgeTurn(db, turn.id, goOn);
  assert.equal((await readStream(turn.id))[1]!.delta, TEXT);
});

test('a purge that is stopped after any statement leaves a whole or a short stream, and goes on later', async () => {
  const session = await insertSession(db);
  // The short stream; three batches of events, and one that finds none; two of the transcript; summaries; the end.
  const all = 9;
  for (let stopAfter = 1, isDone = false; !isDone; stopAfter += 1) {
    const turn = await insertOldTurn(db, session, {
      deltas: Array.from({ length: 1_200 }, (_, n) => `${n} `),
    });
    const whole = shapeOf(await readStream(turn.id));
    let statements = 0;
    const seen: string[][] = [];
    try {
      await purgeTurn(db, turn.id, async () => {
        statements += 1;
        seen.push(shapeOf(await readStream(turn.id)));
        if (statements === stopAfter) throw new Error('stopped');
      });
      isDone = true;
    } catch (error: unknown) {
      assert.equal((error as Error).message, 'stopped');
    }
    for (const shape of seen)
      assert.ok(shape.length === 3 || shape.length === whole.length, `${shape.length} of ${whole.length}`);
    const listed = await listExpiredTurns(db, { olderThanMs: 60_000, limit: 1_000, after: null });
    assert.equal(
      listed.some(({ id }) => id === turn.id),
      statements < all,
      `after ${statements}`,
    );
    assert.equal(await purgeTurn(db, turn.id, goOn), true);
    assert.equal(await countOf('copilot_turn_events', turn.id), 3);
    assert.equal(await countOf('copilot_transcript', turn.id), 0);
    if (isDone) assert.equal(statements, all);
  }
});

test('a turn that runs, waits, or is locked is left alone', async () => {
  const session = await insertSession(db);
  const running = await insertOldTurn(db, session, { agoSeconds: null });
  const starting = await insertTurn(db, session, 'starting');
  const locked = await insertOldTurn(db, session);
  const whole = await readStream(running.id);
  for (const id of [running.id, starting, '00000000-0000-4000-8000-000000000000'])
    assert.equal(await purgeTurn(db, id, goOn), false);
  await db.transaction(async (trx) => {
    await trx.raw('select 1 from ai.copilot_turns where id = ? for key share', [locked.id]);
    assert.equal(await purgeTurn(db, locked.id, goOn), false);
  });
  assert.deepEqual(await readStream(running.id), whole);
  assert.equal(await purgeTurn(db, locked.id, goOn), true);
});

test('only turns that ended long enough ago are listed, oldest first, page by page', async () => {
  await db.raw('update ai.copilot_turns set purged_at = now()');
  const session = await insertSession(db);
  const ages = [100, 300, 200, 10, null];
  const turns = [];
  for (const agoSeconds of ages) turns.push(await insertOldTurn(db, session, { agoSeconds }));
  const first = await listExpiredTurns(db, { olderThanMs: 50_000, limit: 2, after: null });
  assert.deepEqual(
    first.map(({ id }) => id),
    [turns[1]!.id, turns[2]!.id],
  );
  const next = await listExpiredTurns(db, { olderThanMs: 50_000, limit: 2, after: first[1]! });
  assert.deepEqual(
    next.map(({ id }) => id),
    [turns[0]!.id],
  );
});

test("of a session's summaries the newest stays, for the turns to come", async () => {
  const session = await insertSession(db);
  const first = await insertOldTurn(db, session, { summary: 'first' });
  const second = await insertOldTurn(db, session, { summary: 'second' });
  const summaries = async () =>
    (
      await rowsOf<{ body: string }>(
        db,
        `select s.body from ai.copilot_transcript s join ai.copilot_turns t on t.id = s.turn_id
         where t.session_id = ? and s.role = 'summary' order by t.created_at`,
        [session.sessionId],
      )
    ).map(({ body }) => (JSON.parse(body) as { text: string }).text);
  await purgeTurn(db, second.id, goOn);
  assert.deepEqual(await summaries(), ['first', 'second'], 'the first turn has not expired');
  await purgeTurn(db, first.id, goOn);
  assert.deepEqual(await summaries(), ['second']);
  const third = await insertOldTurn(db, session, { summary: 'third', agoSeconds: null });
  const { summary, messages } = await loadHistory(db, third.id);
  assert.match(summary!.body, /third/);
  assert.equal(messages.length, 0);
  assert.deepEqual(await summaries(), ['second', 'third']);
});
