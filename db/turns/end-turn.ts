/** Ends a turn. */
import type { Knex } from 'knex';
import type { TurnEvent } from '../../contracts/events.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { StopReason } from '../../contracts/names.ts';
import type { TurnEndStatus, TurnStatus } from '../../contracts/turn.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { insertEvents } from '../events/append-events.ts';
import { TurnGoneError } from '../fence.ts';
import { promoteTurn } from './turn.ts';
import { sumUsage } from './usage-rows.ts';

export interface TurnEnd {
  status: TurnEndStatus;
  stopReason: StopReason | null;
}

export interface EndTurnInput {
  turnId: string;
  steps: number | null;
  outcome: { kind: 'complete'; stopReason: StopReason } | { kind: 'error'; code: ErrorCode; message: string };
  diff: (base: string, working: string) => Promise<string | null> | null;
}

/**
 * Ends a turn: stores the assistant message, the terminal event and the status in one transaction. The first call decides
 * how the turn ended; later calls return that. `diff` gets the base graph and the working graph when they differ, and
 * returns the WorkflowDiff; all three are JSON text. `diff` runs without a lock, and runs again when the working graph has
 * changed meanwhile. Throws TurnGoneError.
 */
export async function endTurn(db: Knex, input: EndTurnInput): Promise<TurnEnd> {
  for (;;) {
    const seen = await findGraphs(db, input.turnId);
    if (seen.status !== 'running' && seen.status !== 'starting')
      return { status: seen.status, stopReason: seen.stop_reason };
    const diffJson =
      seen.base_graph === null || seen.working_graph === null
        ? null
        : await input.diff(seen.base_graph, seen.working_graph);
    const end = await storeEnd(db, input, { version: seen.version, diffJson });
    if (end) return end;
  }
}

/** Reads the graphs of a turn (null when they are equal) and the version (a hash) of the working graph. */
async function findGraphs(db: Knex, turnId: string) {
  const rows = await rowsOf<{
    status: TurnStatus;
    stop_reason: StopReason | null;
    base_graph: string | null;
    working_graph: string | null;
    version: string;
  }>(
    db,
    `select status, stop_reason, nullif(base_graph, working_graph) as base_graph,
       nullif(working_graph, base_graph) as working_graph, md5(working_graph) as version
     from ai.copilot_turns where id = ?`,
    [turnId],
  );
  if (!rows[0]) throw new TurnGoneError(turnId);
  return rows[0];
}

/** Stores the end. Returns null, and stores nothing, when the working graph is not the version that the diff is of. */
async function storeEnd(
  db: Knex,
  { turnId, steps, outcome }: EndTurnInput,
  { version, diffJson }: { version: string; diffJson: string | null },
): Promise<TurnEnd | null> {
  return db.transaction(async (trx) => {
    await promoteTurn(trx, turnId);
    const rows = await rowsOf<{
      status: TurnStatus;
      stop_reason: StopReason | null;
      session_id: string;
      message_id: string;
      version: string;
      last_seq: string;
    }>(
      trx,
      `select status, stop_reason, session_id, message_id, md5(working_graph) as version, last_seq
       from ai.copilot_turns where id = ? for update`,
      [turnId],
    );
    const turn = rows[0];
    if (!turn) throw new TurnGoneError(turnId);
    if (turn.status !== 'running')
      return { status: turn.status as TurnEndStatus, stopReason: turn.stop_reason };
    if (turn.version !== version) return null;

    const content = await readShownText(trx, turnId);
    const stopReason = outcome.kind === 'complete' ? outcome.stopReason : null;
    const status: TurnEndStatus =
      outcome.kind === 'error' ? 'failed' : outcome.stopReason === 'cancelled' ? 'cancelled' : 'complete';
    await trx.raw(
      `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff, created_at)
       values (?, ?, 'assistant', ?, ?::jsonb, clock_timestamp())`,
      [turn.message_id, turn.session_id, content, diffJson],
    );
    await trx.raw('update ai.copilot_sessions set updated_at = clock_timestamp() where id = ?', [
      turn.session_id,
    ]);
    await trx.raw(
      `update ai.copilot_turns
       set status = ?, stop_reason = ?, error_code = ?, workflow_diff = ?::jsonb, finished_at = clock_timestamp(),
         last_seq = last_seq + 1, steps = coalesce(?::int, steps)
       where id = ?`,
      [status, stopReason, outcome.kind === 'error' ? outcome.code : null, diffJson, steps, turnId],
    );
    const terminal: TurnEvent =
      outcome.kind === 'complete'
        ? {
            event: 'complete',
            message_id: turn.message_id,
            content,
            workflow_diff: null,
            stop_reason: outcome.stopReason,
            usage: await sumUsage(trx, turnId),
            turn_id: turnId,
          }
        : {
            event: 'error',
            error: outcome.message,
            code: outcome.code,
            message_id: turn.message_id,
            turn_id: turnId,
          };
    await insertEvents(trx, turnId, Number(turn.last_seq), [terminal], diffJson);
    return { status, stopReason };
  });
}

/** The answer that readers of the event log have seen: the last content_reset and every content_delta after it. */
async function readShownText(db: Knex, turnId: string): Promise<string> {
  const rows = await rowsOf<{ text: string | null }>(
    db,
    `with texts as (
       select seq, event, payload::json as body from ai.copilot_turn_events
       where turn_id = ? and event in ('content_delta', 'content_reset')
     ), reset as (select max(seq) as seq from texts where event = 'content_reset')
     select string_agg(coalesce(body ->> 'delta', body ->> 'content'), '' order by seq) as text
     from texts where seq >= coalesce((select seq from reset), 0)`,
    [turnId],
  );
  return rows[0]?.text ?? '';
}
