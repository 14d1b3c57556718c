/** Reads what became of the changes of a session's earlier turns. */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';

export type RecordedOutcome = 'applied' | 'undone' | null;

export interface EarlierChange {
  /** The assistant message whose diff is the change. */
  messageId: string;
  /** Null when nobody has applied the change through the API. */
  outcome: RecordedOutcome;
}

/** More changes than a session has. */
const MAX_CHANGES = 1_000;

/** The turn before a turn, for the comparison of its graphs with the canvas. */
export interface EarlierTurn {
  messageId: string;
  /** JSON text. */
  base: string;
  /** JSON text; null when the turn changed nothing. */
  working: string | null;
}

/**
 * The changes of the session's earlier turns, newest first, as they stood when the turn was created. A later snapshot or
 * revert does not count, so that every step of the turn is told the same.
 */
export async function listEarlierChanges(db: Knex, turnId: string): Promise<EarlierChange[]> {
  const rows = await rowsOf<{ id: string; outcome: RecordedOutcome }>(
    db,
    `select m.id, case
         when s.applied_at is null or s.applied_at > own.created_at then null
         when s.reverted_at <= own.created_at then 'undone'
         else 'applied'
       end as outcome
     from ai.copilot_turns own
     join ai.copilot_messages m on m.session_id = own.session_id
     left join ai.copilot_snapshots s on s.message_id = m.id
     where own.id = ? and m.role = 'assistant' and m.workflow_diff is not null and m.id <> own.message_id
     order by m.created_at desc, m.id desc limit ?`,
    [turnId, MAX_CHANGES],
  );
  return rows.map(({ id, outcome }) => ({ messageId: id, outcome }));
}

/**
 * The turn that ended last before a turn of the same session. Null when the turn is the session's first, and when retention
 * has deleted the graphs of the turn before.
 */
export async function findEarlierTurn(db: Knex, turnId: string): Promise<EarlierTurn | null> {
  const [row] = await rowsOf<{
    message_id: string;
    base_graph: string;
    working_graph: string | null;
    is_purged: boolean;
  }>(
    db,
    `select t.message_id, t.purged_at is not null as is_purged, t.base_graph, nullif(t.working_graph, t.base_graph) as working_graph
     from ai.copilot_turns own
     join ai.copilot_turns t on t.session_id = own.session_id and t.created_at < own.created_at
     where own.id = ? and t.status in ('complete', 'cancelled', 'failed')
     order by t.created_at desc limit 1`,
    [turnId],
  );
  return row && !row.is_purged
    ? { messageId: row.message_id, base: row.base_graph, working: row.working_graph }
    : null;
}
