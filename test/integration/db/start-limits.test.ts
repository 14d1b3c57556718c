/** The limits of starting turns, on two pools as two API processes have them. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { LimitError } from '../../../db/limits/limit-error.ts';
import { pruneCounts } from '../../../db/limits/prune-counts.ts';
import { admitterOf, requireRoomToStart, type StartLimits } from '../../../db/limits/start-limits.ts';
import { deleteStartingTurn, insertStartingTurn, promoteTurn } from '../../../db/turns/turn.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { startingTurn } from '../../support/starting-turn.ts';
import { queryRows } from '../../support/stored-workflows.ts';
import { insertSession } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pools: Knex[];
let db: Knex;
before(async () => {
  database = await createTestDatabase();
  pools = ['one', 'two'].map((name) => createKnex({ databaseUrl: database.url, applicationName: name }));
  db = pools[0]!;
});
after(async () => {
  for (const pool of pools) await pool.destroy();
  await database.drop();
});

const NONE = { own: 0, total: 0 };
const running = (limit: Partial<StartLimits['runningTurns']>): StartLimits => ({
  chatsPerMinute: NONE,
  runningTurns: { ...NONE, ...limit },
});
const chats = (limit: Partial<StartLimits['chatsPerMinute']>): StartLimits => ({
  chatsPerMinute: { ...NONE, ...limit },
  runningTurns: NONE,
});

async function start(
  pool: Knex,
  limits: StartLimits,
  principal: string | null,
  sessionId?: string,
): Promise<string> {
  const session = sessionId ?? (await insertSession(pool)).sessionId;
  const starter = { principal, sessionId: session };
  const turn = startingTurn({ sessionId: session, workflowId: randomUUID() }, { principal });
  await insertStartingTurn(pool, turn, admitterOf(limits, starter));
  return turn.id;
}

/** Starts many turns at once through both pools. Returns how many were admitted; all others must be refused. */
async function startMany(count: number, limits: StartLimits, principals: (string | null)[]): Promise<number> {
  const results = await Promise.allSettled(
    Array.from({ length: count }, (_, n) =>
      start(pools[n % 2]!, limits, principals[n % principals.length] ?? null),
    ),
  );
  for (const result of results)
    if (result.status === 'rejected') assert.ok(result.reason instanceof LimitError, String(result.reason));
  return results.filter(({ status }) => status === 'fulfilled').length;
}

async function clear(): Promise<void> {
  await db.raw('delete from ai.copilot_turns');
  await db.raw('delete from ai.copilot_chat_starts');
}

const turns = () => queryRows(db, 'select 1 from ai.copilot_turns');

test('of many starts at once, two processes admit exactly as many as the limits allow', async () => {
  for (const [limits, principals, admitted] of [
    [running({ own: 5 }), ['ann'], 5],
    [running({ total: 5 }), ['ann', 'bob', null], 5],
    [chats({ own: 5 }), ['ann'], 5],
    [chats({ total: 5 }), ['ann', 'bob', null], 5],
    [running({ own: 3 }), ['ann', 'bob'], 6],
    [chats({ own: 3 }), ['ann', 'bob'], 6],
    [{ ...chats({ own: 4 }), runningTurns: { own: 9, total: 5 } }, ['ann', 'bob'], 5],
    // The platform's own backend has no limit of its own.
    [running({ own: 1 }), [null], 24],
    [chats({ own: 1 }), [null], 24],
  ] as const) {
    await clear();
    assert.equal(
      await startMany(24, limits, [...principals]),
      admitted,
      JSON.stringify([limits, principals]),
    );
    assert.equal((await turns()).length, admitted, 'a refused start leaves no row');
  }
});

test('a limit of turns has room again when a turn ends, whatever ends it', async () => {
  await clear();
  const limits = running({ own: 2 });
  const [first, second] = [await start(db, limits, 'ann'), await start(db, limits, 'ann')];
  await promoteTurn(db, first);
  await assert.rejects(start(db, limits, 'ann'), (error) => {
    assert.ok(error instanceof LimitError);
    assert.match(error.message, /^Your limit of 2 turns at once is reached\./);
    return error.retryAfterSeconds > 0;
  });
  await db.raw(`update ai.copilot_turns set status = 'failed' where id = ?`, [first]);
  const third = await start(db, limits, 'ann');
  await assert.rejects(start(db, limits, 'ann'), LimitError);
  await deleteStartingTurn(db, second);
  const fourth = await start(db, limits, 'ann');
  await assert.rejects(start(db, limits, 'ann'), LimitError);
  await db.raw('delete from ai.copilot_turns where id = any(?::uuid[])', [[third, fourth]]);
  await start(db, limits, 'ann');
});

test("a session's own turn does not count: that chat is answered with the turn that runs", async () => {
  await clear();
  const { sessionId } = await insertSession(db);
  const limits = running({ own: 1, total: 1 });
  await promoteTurn(db, await start(db, limits, 'ann', sessionId));
  await requireRoomToStart(db, limits, { principal: 'ann', sessionId });
  await start(db, limits, 'ann', sessionId);
  await assert.rejects(start(db, limits, 'ann'), LimitError);
});

test('chats count for a minute: a deleted turn still does, a start that was taken back does not', async () => {
  await clear();
  const limits = chats({ own: 2 });
  const ended = await start(db, limits, 'ann');
  await db.raw('delete from ai.copilot_turns where id = ?', [ended]);
  const failed = await start(db, limits, 'ann');
  await assert.rejects(start(db, limits, 'ann'), /^LimitError: Your limit of 2 chats a minute is reached/);
  await deleteStartingTurn(db, failed);
  const last = await start(db, limits, 'ann');
  const age = (id: string, seconds: number) =>
    db.raw(
      'update ai.copilot_chat_starts set started_at = clock_timestamp() - make_interval(secs => ?) where turn_id = ?',
      [seconds, id],
    );
  await age(ended, 45);
  await age(last, 20);
  await assert.rejects(start(db, limits, 'ann'), (error) => {
    // The older of the two leaves first.
    return error instanceof LimitError && error.retryAfterSeconds >= 14 && error.retryAfterSeconds <= 15;
  });
  await age(ended, 61);
  await start(db, limits, 'ann');
});

test('counts that no limit needs any more are deleted', async () => {
  await clear();
  const [old] = [await start(db, chats({ total: 9 }), 'ann'), await start(db, chats({ total: 9 }), 'ann')];
  await db.raw(
    `update ai.copilot_chat_starts set started_at = clock_timestamp() - interval '1 hour' where turn_id = ?`,
    [old],
  );
  await db.raw(
    `insert into ai.copilot_body_bytes values ('of ann', 1, now() - interval '1 hour'), ('of bob', 1, now())`,
  );
  await db.raw(
    `insert into ai.copilot_open_streams values ('ann', gen_random_uuid(), 1, now() - interval '1 hour'), ('ann', gen_random_uuid(), 1, now())`,
  );
  await pruneCounts(db);
  for (const table of ['copilot_chat_starts', 'copilot_body_bytes', 'copilot_open_streams'])
    assert.equal((await queryRows(db, `select 1 from ai.${table}`)).length, 1, table);
});
