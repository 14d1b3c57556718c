/** The row of a turn: its creation, its promotion to `running`, and its reads. */
import type { Knex } from 'knex';
import {
  PROMPT_VERSION,
  type PromptVersion,
  type StopReason,
  TURN_EVENTS_CHANNEL,
} from '../../contracts/names.ts';
import type { TurnStatus } from '../../contracts/turn.ts';
import type { WorkflowDiff } from '../../domain/graph/graph.ts';
import { rowsOf } from '../connection/sql-rows.ts';

export interface Turn {
  id: string;
  sessionId: string;
  workflowId: string;
  userMessageId: string;
  messageId: string;
  idempotencyKey: string | null;
  message: string;
  model: string;
  /** The `sub` of the token that started the turn; null for a service token without one. */
  principal: string | null;
  status: TurnStatus;
  stopReason: StopReason | null;
  steps: number;
  workflowDiff: WorkflowDiff | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** The values of a new turn. `graph` is JSON text. Without a prompt version the turn has the newest. */
export type StartingTurn = Pick<
  Turn,
  | 'id'
  | 'sessionId'
  | 'workflowId'
  | 'userMessageId'
  | 'messageId'
  | 'idempotencyKey'
  | 'message'
  | 'model'
  | 'principal'
> & { graph: string; promptVersion?: PromptVersion };

interface TurnRow {
  id: string;
  session_id: string;
  workflow_id: string;
  user_message_id: string;
  message_id: string;
  idempotency_key: string | null;
  message: string;
  model: string;
  principal: string | null;
  status: TurnStatus;
  stop_reason: StopReason | null;
  steps: number;
  workflow_diff: WorkflowDiff | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

const TURN_COLUMNS = `id, session_id, workflow_id, user_message_id, message_id, idempotency_key, message, model,
  principal, status, stop_reason, steps, workflow_diff, created_at, started_at, finished_at`;

function toTurn(row: TurnRow): Turn {
  return {
    id: row.id,
    sessionId: row.session_id,
    workflowId: row.workflow_id,
    userMessageId: row.user_message_id,
    messageId: row.message_id,
    idempotencyKey: row.idempotency_key,
    message: row.message,
    model: row.model,
    principal: row.principal,
    status: row.status,
    stopReason: row.stop_reason,
    steps: row.steps,
    workflowDiff: row.workflow_diff,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}

/**
 * Inserts a turn in status `starting`, which no reader sees. When the session has used the idempotency key already, nothing
 * is inserted and the earlier turn is returned with `created: false`. Returns null when the session does not exist, or when
 * the earlier turn was deleted meanwhile. `admit` may refuse a new row by an error; then nothing is inserted.
 */
export async function insertStartingTurn(
  db: Knex,
  input: StartingTurn,
  admit: ((trx: Knex, turnId: string) => Promise<void>) | null = null,
): Promise<{ turn: Turn; created: boolean } | null> {
  if (admit === null) return insertOrFind(db, input);
  return db.transaction(async (trx) => {
    const inserted = await insertOrFind(trx, input);
    if (inserted?.created) await admit(trx, inserted.turn.id);
    return inserted;
  });
}

async function insertOrFind(db: Knex, input: StartingTurn): Promise<{ turn: Turn; created: boolean } | null> {
  const inserted = await rowsOf<TurnRow>(
    db,
    `insert into ai.copilot_turns
       (id, session_id, workflow_id, user_message_id, message_id, idempotency_key, message, model, prompt_version,
        principal, base_graph, working_graph)
     select ?, s.id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? from ai.copilot_sessions s where s.id = ?
     for key share -- Waits for a deletion of the session. Then no row is inserted.
     on conflict (session_id, idempotency_key) do nothing
     returning ${TURN_COLUMNS}`,
    [
      input.id,
      input.workflowId,
      input.userMessageId,
      input.messageId,
      input.idempotencyKey,
      input.message,
      input.model,
      input.promptVersion ?? PROMPT_VERSION,
      input.principal,
      input.graph,
      input.graph,
      input.sessionId,
    ],
  );
  if (inserted[0]) return { turn: toTurn(inserted[0]), created: true };
  if (input.idempotencyKey === null) return null;
  const earlier = await findTurnByIdempotencyKey(db, input.sessionId, input.idempotencyKey);
  return earlier && { turn: earlier, created: false };
}

/** The turn that an idempotency key started in a session, in any status; null when there is none. */
export async function findTurnByIdempotencyKey(
  db: Knex,
  sessionId: string,
  key: string,
): Promise<Turn | null> {
  const rows = await rowsOf<TurnRow>(
    db,
    `select ${TURN_COLUMNS} from ai.copilot_turns where session_id = ? and idempotency_key = ?`,
    [sessionId, key],
  );
  return rows[0] ? toTurn(rows[0]) : null;
}

/** A turn by id, in any status; null when there is none. */
export async function findTurn(db: Knex, turnId: string): Promise<Turn | null> {
  const rows = await rowsOf<TurnRow>(db, `select ${TURN_COLUMNS} from ai.copilot_turns where id = ?`, [
    turnId,
  ]);
  return rows[0] ? toTurn(rows[0]) : null;
}

/** A session's open turns (starting or running), oldest first. */
export async function listOpenTurns(db: Knex, filter: { sessionId: string }): Promise<Turn[]> {
  const rows = await rowsOf<TurnRow>(
    db,
    `select ${TURN_COLUMNS} from ai.copilot_turns
     where session_id = ? and status in ('starting', 'running') order by created_at`,
    [filter.sessionId],
  );
  return rows.map(toTurn);
}

/**
 * Deletes a turn in status `starting`, which then counts as no chat. Returns false when the turn has another status or does
 * not exist.
 */
export async function deleteStartingTurn(db: Knex, turnId: string): Promise<boolean> {
  const rows = await rowsOf(
    db,
    `with gone as (
       delete from ai.copilot_turns where id = ? and status = 'starting' returning id
     ), chat as (
       delete from ai.copilot_chat_starts where turn_id in (select id from gone)
     )
     select id from gone`,
    [turnId],
  );
  return rows.length > 0;
}

/**
 * Makes a starting turn visible: one statement writes the user's message, the start event (seq 1) and the status `running`.
 * The API and the worker both call it once the Temporal workflow exists; the second call changes nothing. Returns true
 * when this call has promoted the turn, false when the turn is not in status `starting` or does not exist.
 */
export async function promoteTurn(db: Knex, turnId: string): Promise<boolean> {
  const rows = await rowsOf(
    db,
    `with turn as (
       update ai.copilot_turns
       set status = 'running', started_at = clock_timestamp(), last_seq = 1
       where id = ? and status = 'starting'
       returning id, session_id, user_message_id, message_id, message, model
     ), message as (
       insert into ai.copilot_messages (id, session_id, role, content, created_at)
       select user_message_id, session_id, 'user', message, clock_timestamp() from turn
     ), session as (
       update ai.copilot_sessions s set updated_at = clock_timestamp() from turn where s.id = turn.session_id
     ), event as (
       insert into ai.copilot_turn_events (turn_id, seq, event, payload)
       select id, 1, 'start', format(
         '{"turn_id":"%s","session_id":"%s","user_message_id":"%s","message_id":"%s","model":%s}',
         id, session_id, user_message_id, message_id, to_json(model))
       from turn
     )
     select pg_notify('${TURN_EVENTS_CHANNEL}', id::text) from turn`,
    [turnId],
  );
  return rows.length > 0;
}
