/** Copilot sessions. Every read takes a viewer and applies it in SQL, so that no handler can forget the check. */
import type { Knex } from 'knex';
import type { Actor } from '../../contracts/audit.ts';
import { recordAct } from '../audit/audit.ts';
import { withLongBound } from '../connection/knex.ts';
import { isTransactionConflict } from '../connection/pg-errors.ts';
import { readableTime, rowsOf } from '../connection/sql-rows.ts';

/** Whose sessions are visible: those of one `sub`, or all of them when `ownerSub` is null (service_role). */
export type Viewer = { ownerSub: string | null };

export interface Session {
  id: string;
  workflowId: string;
  createdAt: Date;
  updatedAt: Date;
  /** The turn that runs now, or null. */
  activeTurnId: string | null;
}

/** As every query of sessions reads it. */
export interface SessionRow {
  id: string;
  workflow_id: string;
  created_at: Date;
  updated_at: Date;
  active_turn_id: string | null;
}

/** Of a session `s`. */
export const SESSION_COLUMNS = `s.id, s.workflow_id, ${readableTime('s.created_at')} as created_at,
  ${readableTime('coalesce(s.updated_at, s.created_at)')} as updated_at,
  (select t.id from ai.copilot_turns t where t.session_id = s.id and t.status = 'running'
   order by t.created_at desc limit 1) as active_turn_id`;

const DELETE_ATTEMPTS = 3;

/** The session of a row. */
export function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    workflowId: row.workflow_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    activeTurnId: row.active_turn_id,
  };
}

/** Creates a session of a workflow. Returns null when the workflow does not exist. */
export async function createSession(
  db: Knex,
  input: { workflowId: string } & Viewer,
): Promise<Session | null> {
  const rows = await rowsOf<SessionRow>(
    db,
    `insert into ai.copilot_sessions (id, workflow_id, owner_sub, created_at, updated_at)
     select gen_random_uuid(), w.id, ?::text, clock_timestamp(), clock_timestamp()
     from ai.workflows w where w.id = ?
     for key share -- Waits for a deletion of the workflow. Then no row is inserted, and there is no foreign key error.
     returning id, workflow_id, created_at, updated_at, null::uuid as active_turn_id`,
    [input.ownerSub, input.workflowId],
  );
  return rows[0] ? toSession(rows[0]) : null;
}

/** A session that the viewer may see, or null. */
export async function findSession(db: Knex, id: string, viewer: Viewer): Promise<Session | null> {
  const rows = await rowsOf<SessionRow>(
    db,
    `select ${SESSION_COLUMNS} from ai.copilot_sessions s where s.id = ? and (?::text is null or s.owner_sub = ?)`,
    [id, viewer.ownerSub, viewer.ownerSub],
  );
  return rows[0] ? toSession(rows[0]) : null;
}

/** The newest session of a workflow that the viewer may see, or null. */
export async function findNewestSession(
  db: Knex,
  workflowId: string,
  viewer: Viewer,
): Promise<Session | null> {
  const rows = await rowsOf<SessionRow>(
    db,
    `select ${SESSION_COLUMNS} from ai.copilot_sessions s
     where s.workflow_id = ? and (?::text is null or s.owner_sub = ?) order by s.created_at desc nulls last, s.id limit 1`,
    [workflowId, viewer.ownerSub, viewer.ownerSub],
  );
  return rows[0] ? toSession(rows[0]) : null;
}

/** Deletes a session with its messages, turns and events. Returns false when the session did not exist. */
export async function deleteSession(db: Knex, id: string, by: Actor): Promise<boolean> {
  // An ending turn locks its own row, then the session's. This delete locks them in the other order, so the two may
  // deadlock. Postgres ends one of them, and the delete is repeated.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withLongBound(db, async (trx) => {
        const deleted = await rowsOf(trx, 'delete from ai.copilot_sessions where id = ? returning id', [id]);
        if (deleted.length > 0) await recordAct(trx, by, { action: 'session.delete', target: id });
        return deleted.length > 0;
      });
    } catch (error: unknown) {
      if (!isTransactionConflict(error) || attempt === DELETE_ATTEMPTS) throw error;
    }
  }
}
