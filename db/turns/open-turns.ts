/** Lists open turns page by page, for the sweeper. */
import type { Knex } from 'knex';
import type { TurnStatus } from '../../contracts/turn.ts';
import { rowsOf } from '../connection/sql-rows.ts';

/** The fields that the sweeper needs to ask Temporal about a turn. */
export interface OpenTurn {
  id: string;
  sessionId: string;
  status: TurnStatus;
  /** The time as Postgres writes it, because a Date has no microseconds. With the id it is the key of the listing. */
  createdAt: string;
}

/**
 * A page of the turns in status starting or running that are older than `olderThanMs`, oldest first. `after` is the last
 * turn of the previous page.
 */
export async function listOldOpenTurns(
  db: Knex,
  input: { olderThanMs: number; limit: number; after: Pick<OpenTurn, 'id' | 'createdAt'> | null },
): Promise<OpenTurn[]> {
  const { after } = input;
  const rows = await rowsOf<{ id: string; session_id: string; status: TurnStatus; created_at: string }>(
    db,
    `select id, session_id, status, created_at::text as created_at from ai.copilot_turns
     where status in ('starting', 'running') and created_at < now() - make_interval(secs => ?)
       ${after ? 'and (created_at, id) > (?::timestamptz, ?::uuid)' : ''}
     order by copilot_turns.created_at, id limit ?`,
    [input.olderThanMs / 1_000, ...(after ? [after.createdAt, after.id] : []), input.limit],
  );
  return rows.map((row) => ({
    id: row.id,
    sessionId: row.session_id,
    status: row.status,
    createdAt: row.created_at,
  }));
}
