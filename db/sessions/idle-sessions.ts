/** Finds and deletes sessions in which nothing has happened for long, for retention. */
import type { Knex } from 'knex';
import type { Actor } from '../../contracts/audit.ts';
import { recordAct } from '../audit/audit.ts';
import { rowsOf } from '../connection/sql-rows.ts';

/**
 * Whether a session `s` is idle: for `:idle` seconds no turn, no message, and no change that was applied or undone; and no
 * open turn. A turn that waits for a confirmation is open.
 */
const IS_IDLE = `coalesce(s.updated_at, s.created_at, '-infinity') < now() - make_interval(secs => cast(:idle as float8))
  and not exists (
    select 1 from ai.copilot_turns t where t.session_id = s.id and (t.status in ('starting', 'running')
      or coalesce(t.finished_at, t.created_at) >= now() - make_interval(secs => cast(:idle as float8))))
  and not exists (
    select 1 from ai.copilot_messages m
    where m.session_id = s.id and m.created_at >= now() - make_interval(secs => cast(:idle as float8)))
  and not exists (
    select 1 from ai.copilot_messages m join ai.copilot_snapshots p on p.message_id = m.id
    where m.session_id = s.id
      and greatest(p.applied_at, p.reverted_at) >= now() - make_interval(secs => cast(:idle as float8)))`;

/** The ids of sessions that have been idle for `idleMs`, in the order of their ids, from the one after `after` on. */
export async function listIdleSessions(
  db: Knex,
  input: { idleMs: number; limit: number; after: string | null },
): Promise<string[]> {
  const rows = await rowsOf<{ id: string }>(
    db,
    `select s.id from ai.copilot_sessions s
     where ${IS_IDLE} and (cast(:after as uuid) is null or s.id > cast(:after as uuid))
     order by s.id limit cast(:limit as int)`,
    { idle: input.idleMs / 1_000, after: input.after, limit: input.limit },
  );
  return rows.map(({ id }) => id);
}

/** The oldest turn of an idle session that is not purged. Null when there is none, and when the session is in use again. */
export async function findUnpurgedTurn(
  db: Knex,
  { sessionId, idleMs }: { sessionId: string; idleMs: number },
): Promise<string | null> {
  const [turn] = await rowsOf<{ id: string }>(
    db,
    `select u.id from ai.copilot_sessions s join ai.copilot_turns u on u.session_id = s.id
     where s.id = cast(:id as uuid) and u.purged_at is null and ${IS_IDLE} order by u.created_at limit 1`,
    { id: sessionId, idle: idleMs / 1_000 },
  );
  return turn?.id ?? null;
}

/**
 * Deletes a session when it is still idle. Returns false when it is not, or when another transaction holds its row. The
 * row is locked before the check: a start of a turn holds the row too, and its turn is visible once the lock is taken.
 */
export async function deleteIdleSession(
  db: Knex,
  { sessionId, idleMs }: { sessionId: string; idleMs: number },
): Promise<boolean> {
  return db.transaction(async (trx) => {
    const locked = await rowsOf(
      trx,
      'select 1 from ai.copilot_sessions where id = ? for update skip locked',
      [sessionId],
    );
    if (locked.length === 0) return false;
    const deleted = await rowsOf(
      trx,
      `delete from ai.copilot_sessions s where s.id = cast(:id as uuid) and ${IS_IDLE} returning 1`,
      { id: sessionId, idle: idleMs / 1_000 },
    );
    if (deleted.length === 0) return false;
    await recordAct(trx, BY_RETENTION, { action: 'session.delete', target: sessionId });
    return true;
  });
}

const BY_RETENTION: Actor = { actor: 'retention', role: null, requestId: null };
