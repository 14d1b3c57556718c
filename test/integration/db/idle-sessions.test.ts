/** Which sessions retention deletes, and that it never deletes one in which something begins. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { rowsOf } from '../../../db/connection/sql-rows.ts';
import { deleteIdleSession, findUnpurgedTurn, listIdleSessions } from '../../../db/sessions/idle-sessions.ts';
import { insertStartingTurn } from '../../../db/turns/turn.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertOldTurn } from '../../support/old-turns.ts';
import { startingTurn } from '../../support/starting-turn.ts';
import { insertSession } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;
const idleMs = 60_000;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 4 });
});
after(async () => {
  await db.destroy();
  await database.drop();
});

type Session = Awaited<ReturnType<typeof insertSession>>;

/** A session whose row says that it was last changed an hour ago, as all its messages do. */
async function insertOld(
  work: (session: Session) => Promise<unknown> = async () => undefined,
): Promise<Session> {
  const session = await insertSession(db);
  await work(session);
  await db.raw("update ai.copilot_messages set created_at = now() - interval '1 hour' where session_id = ?", [
    session.sessionId,
  ]);
  await db.raw(
    "update ai.copilot_sessions set created_at = now() - interval '1 hour', updated_at = now() - interval '1 hour' where id = ?",
    [session.sessionId],
  );
  return session;
}
const isThere = async ({ sessionId }: Session): Promise<boolean> =>
  (await rowsOf(db, 'select 1 from ai.copilot_sessions where id = ?', [sessionId])).length === 1;

test('an idle session goes with everything but its bill; a used one and one with an open turn stay', async () => {
  const empty = await insertOld();
  const talked = await insertOld((session) => insertOldTurn(db, session));
  const running = await insertOld((session) => insertOldTurn(db, session, { agoSeconds: null }));
  const recentTurn = await insertOld((session) => insertOldTurn(db, session, { agoSeconds: 5 }));
  const recentMessage = await insertOld((session) => insertOldTurn(db, session));
  await db.raw(
    "insert into ai.copilot_messages (id, session_id, role, content, created_at) values (?, ?, 'system', 'x', now())",
    [randomUUID(), recentMessage.sessionId],
  );
  const fresh = await insertSession(db);

  const listed = await listIdleSessions(db, { idleMs, limit: 10, after: null });
  assert.deepEqual(listed.toSorted(), [empty.sessionId, talked.sessionId].toSorted());
  const [first] = await listIdleSessions(db, { idleMs, limit: 1, after: null });
  assert.deepEqual(await listIdleSessions(db, { idleMs, limit: 10, after: first! }), listed.slice(1));
  const unpurged = await Promise.all(
    [empty, talked, recentMessage].map(({ sessionId }) => findUnpurgedTurn(db, { sessionId, idleMs })),
  );
  assert.deepEqual(
    unpurged.map((id) => id !== null),
    [false, true, false],
  );

  for (const { sessionId } of [empty, talked, running, recentTurn, recentMessage, fresh])
    await deleteIdleSession(db, { sessionId, idleMs });
  assert.deepEqual(
    await Promise.all([empty, talked, running, recentTurn, recentMessage, fresh].map(isThere)),
    [false, false, true, true, true, true],
  );
  for (const table of ['copilot_messages', 'copilot_turns'])
    assert.equal(
      (await rowsOf(db, `select 1 from ai.${table} where session_id = ?`, [talked.sessionId])).length,
      0,
    );
  assert.equal(
    (await rowsOf(db, 'select 1 from ai.copilot_usage where session_id = ?', [talked.sessionId])).length,
    1,
  );
  assert.deepEqual(
    (
      await rowsOf<{ actor: string; target: string }>(db, 'select actor, target from ai.copilot_audit')
    ).toSorted((a, b) => (a.target < b.target ? -1 : 1)),
    [empty, talked]
      .map(({ sessionId }) => ({ actor: 'retention', target: sessionId }))
      .toSorted((a, b) => (a.target < b.target ? -1 : 1)),
  );
});

test('applying a change, and undoing it, is a use of the session', async () => {
  const insertApplied = (appliedAgo: string, revertedAgo: string | null) =>
    insertOld(async ({ sessionId, workflowId }) => {
      const id = randomUUID();
      await db.raw(
        "insert into ai.copilot_messages (id, session_id, role, content) values (?, ?, 'assistant', 'x')",
        [id, sessionId],
      );
      await db.raw(
        `insert into ai.copilot_snapshots (message_id, workflow_id, response, applied_at, reverted_at)
         values (?, ?, '{}', now() - cast(? as interval), now() - cast(? as interval))`,
        [id, workflowId, appliedAgo, revertedAgo] as Knex.RawBinding[],
      );
    });
  const applied = await insertApplied('5 seconds', null);
  const reverted = await insertApplied('1 hour', '5 seconds');
  const long = await insertApplied('1 hour', '1 hour');
  for (const { sessionId } of [applied, reverted, long]) await deleteIdleSession(db, { sessionId, idleMs });
  assert.deepEqual(await Promise.all([applied, reverted, long].map(isThere)), [true, true, false]);
});

test('a turn that starts at the same moment saves its session', async () => {
  const start = (trx: Knex, of: Session) => insertStartingTurn(trx, startingTurn(of));
  const session = await insertOld();
  const [listed] = await listIdleSessions(db, { idleMs, limit: 1, after: null });
  assert.equal(listed, session.sessionId);
  await db.transaction(async (trx) => {
    await start(trx, session);
    assert.equal(await deleteIdleSession(db, { sessionId: session.sessionId, idleMs }), false);
  });
  assert.equal(await deleteIdleSession(db, { sessionId: session.sessionId, idleMs }), false);
  assert.equal(await isThere(session), true);
});
