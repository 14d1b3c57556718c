/**
 * Questions to the user and their answers. A row per asked call: the first decision wins, whoever makes it (a person,
 * the expiry, the end of the turn), and the effect, its result and the turn's record of it are one transaction.
 *
 * Lock order: claims of the turn, then the confirmation, then the turn's row.
 */
import type { Knex } from 'knex';
import type { TurnEvent } from '../../contracts/events.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { appendLocked } from '../events/append-events.ts';
import type { Fence } from '../fence.ts';
import { holdFence } from './claims.ts';
import { type SavedWork, saveUnderFence } from './transcript.ts';

export type Decision = 'approved' | 'rejected' | 'expired';

/** What a person is asked: all of it computed here, nothing of it the model's prose. */
export interface Question {
  /** As the model wrote them. */
  arguments: JsonObject;
  /** SHA-256 of the canonical arguments. */
  argumentsHash: string;
  /** The arguments in their checked form, with all defaults: what an approval does. */
  change: JsonObject;
  summary: string;
  before: Json;
  after: Json;
  assetId: string;
  fingerprint: string;
}

export interface Confirmation extends Question {
  turnId: string;
  callId: string;
  expiresAt: Date;
  decision: Decision | null;
  reason: string | null;
}

interface Row {
  turn_id: string;
  call_id: string;
  arguments: JsonObject;
  arguments_hash: string;
  change: JsonObject;
  summary: string;
  before: Json;
  after: Json;
  asset_id: string;
  fingerprint: string;
  expires_at: Date;
  decision: Decision | null;
  reason: string | null;
}

const COLUMNS =
  'turn_id, call_id, arguments, arguments_hash, change, summary, before, after, asset_id, fingerprint, expires_at, decision, reason';

function toConfirmation(row: Row): Confirmation {
  return {
    turnId: row.turn_id,
    callId: row.call_id,
    arguments: row.arguments,
    argumentsHash: row.arguments_hash,
    change: row.change,
    summary: row.summary,
    before: row.before,
    after: row.after,
    assetId: row.asset_id,
    fingerprint: row.fingerprint,
    expiresAt: row.expires_at,
    decision: row.decision,
    reason: row.reason,
  };
}

/** The confirmation of a call, asked or decided; null when it was not asked. */
export async function findConfirmation(
  db: Knex,
  turnId: string,
  callId: string,
): Promise<Confirmation | null> {
  const rows = await rowsOf<Row>(
    db,
    `select ${COLUMNS} from ai.copilot_confirmations where turn_id = ? and call_id = ?`,
    [turnId, callId],
  );
  return rows[0] ? toConfirmation(rows[0]) : null;
}

/** The question that a turn waits with; null when it waits with none. */
export async function findOpenConfirmation(db: Knex, turnId: string): Promise<Confirmation | null> {
  const rows = await rowsOf<Row>(
    db,
    `select ${COLUMNS} from ai.copilot_confirmations
     where turn_id = ? and decision is null order by asked_at limit 1`,
    [turnId],
  );
  return rows[0] ? toConfirmation(rows[0]) : null;
}

/**
 * Asks: the row and the events that show it, in one transaction under the fence. The expiry is the database's clock
 * plus `ttlMs`. Throws FencedError, TurnOverError.
 */
export async function askConfirmation(
  db: Knex,
  fence: Fence,
  input: { question: Question; ttlMs: number; events: (expiresAt: Date) => TurnEvent[] },
): Promise<Date> {
  const { question } = input;
  return db.transaction(async (trx) => {
    await holdFence(trx, fence);
    const rows = await rowsOf<{ expires_at: Date }>(
      trx,
      `insert into ai.copilot_confirmations
         (turn_id, call_id, arguments, arguments_hash, change, summary, before, after, asset_id, fingerprint, expires_at)
       values (?, ?, ?::jsonb, ?, ?::jsonb, ?, ?::jsonb, ?::jsonb, ?, ?,
         date_trunc('milliseconds', clock_timestamp() + make_interval(secs => ?)))
       returning expires_at`,
      [
        fence.turnId,
        fence.key.slice('call:'.length),
        JSON.stringify(question.arguments),
        question.argumentsHash,
        JSON.stringify(question.change),
        question.summary,
        JSON.stringify(question.before),
        JSON.stringify(question.after),
        question.assetId,
        question.fingerprint,
        input.ttlMs / 1_000,
      ],
    );
    const expiresAt = rows[0]!.expires_at;
    await appendLocked(trx, fence, input.events(expiresAt));
    return expiresAt;
  });
}

/**
 * Writes a person's decision, unless there is one already or the turn is over. After the time that the question showed it
 * writes the expiry instead: with no worker there to do so, nobody else would. Returns the decision that stands: null for
 * a call that was not asked, `turn_over` when the turn ended with the question open.
 */
export async function decideConfirmation(
  db: Knex,
  input: {
    turnId: string;
    callId: string;
    decision: 'approved' | 'rejected';
    reason: string | null;
    decidedBy: string;
  },
): Promise<Decision | 'turn_over' | null> {
  const { turnId, callId } = input;
  return db.transaction(async (trx) => {
    const asked = await rowsOf<{ decision: Decision | null; late: boolean }>(
      trx,
      `select decision, expires_at <= clock_timestamp() as late from ai.copilot_confirmations
       where turn_id = ? and call_id = ? for update`,
      [turnId, callId],
    );
    if (!asked[0]) return null;
    if (asked[0].decision !== null) return asked[0].decision;
    // Shared with other readers, but not with the statement that ends the turn.
    const running = await rowsOf(
      trx,
      `select 1 from ai.copilot_turns where id = ? and status = 'running' for share`,
      [turnId],
    );
    if (running.length === 0) return 'turn_over';
    if (asked[0].late) {
      await writeDecision(trx, turnId, callId, 'expired', null, null);
      return 'expired';
    }
    await writeDecision(trx, turnId, callId, input.decision, input.reason, input.decidedBy);
    return input.decision;
  });
}

async function writeDecision(
  trx: Knex,
  turnId: string,
  callId: string,
  decision: Decision,
  reason: string | null,
  decidedBy: string | null,
): Promise<void> {
  await trx.raw(
    `update ai.copilot_confirmations
     set decision = ?, reason = ?, decided_by = ?, decided_at = clock_timestamp()
     where turn_id = ? and call_id = ?`,
    [decision, reason, decidedBy, turnId, callId] as Knex.RawBinding[],
  );
}

/** Why a turn stops waiting: it was told of a decision, the time is up, or the turn is being cancelled. */
export type WakeUp = 'decided' | 'expired' | 'cancelled';

/**
 * Ends the wait: makes the decision of an undecided row (expired, or rejected with reason `cancelled`), performs an
 * approved one, and stores the result with everything that belongs to it, all in one transaction under the fence.
 * False when nobody has decided yet and nothing ends the wait. Throws FencedError, TurnOverError.
 */
export async function settleConfirmation<Result extends object>(
  db: Knex,
  fence: Fence,
  input: {
    wakeUp: WakeUp;
    /** The effect and its result; makes changes only through `trx`, where the asset's rows must be locked. */
    perform: (trx: Knex, confirmation: Confirmation & { decision: Decision }) => Promise<Result>;
    toWork: (confirmation: Confirmation & { decision: Decision }, result: Result) => SavedWork;
  },
): Promise<boolean> {
  const callId = fence.key.slice('call:'.length);
  return db.transaction(async (trx) => {
    await holdFence(trx, fence);
    const rows = await rowsOf<Row>(
      trx,
      `select ${COLUMNS} from ai.copilot_confirmations where turn_id = ? and call_id = ? for update`,
      [fence.turnId, callId],
    );
    if (!rows[0]) throw new Error(`the call ${callId} was never asked`);
    const found = toConfirmation(rows[0]);
    if (found.decision === null) {
      if (input.wakeUp === 'decided') return false;
      found.decision = input.wakeUp === 'expired' ? 'expired' : 'rejected';
      found.reason = input.wakeUp === 'expired' ? null : 'cancelled';
      await writeDecision(trx, fence.turnId, callId, found.decision, found.reason, null);
    }
    const settled = { ...found, decision: found.decision };
    const result = await input.perform(trx, settled);
    await trx.raw('update ai.copilot_confirmations set result = ?::jsonb where turn_id = ? and call_id = ?', [
      JSON.stringify(result),
      fence.turnId,
      callId,
    ]);
    await saveUnderFence(trx, fence, input.toWork(settled, result));
    return true;
  });
}

/** A decision that its turn has not acted upon. */
export interface UnheardDecision {
  sessionId: string;
  turnId: string;
  callId: string;
  /** Postgres' own text of the time, which is finer than a Date: with the two ids it is the place in the listing. */
  decidedAt: string;
}

/**
 * A page of the decisions that their turns have not acted upon for `olderThanMs`, oldest first: the signal may have been
 * lost. `after` is the last one of the page before.
 */
export async function listUnheardDecisions(
  db: Knex,
  input: { olderThanMs: number; limit: number; after: UnheardDecision | null },
): Promise<UnheardDecision[]> {
  const { after } = input;
  const rows = await rowsOf<{ session_id: string; turn_id: string; call_id: string; decided_at: string }>(
    db,
    `select t.session_id, c.turn_id, c.call_id, c.decided_at::text as decided_at
     from ai.copilot_confirmations c join ai.copilot_turns t on t.id = c.turn_id and t.status = 'running'
     where c.decision is not null and c.result is null
       and c.decided_at < clock_timestamp() - make_interval(secs => ?)
       ${after ? 'and (c.decided_at, c.turn_id, c.call_id) > (?::timestamptz, ?::uuid, ?)' : ''}
     order by c.decided_at, c.turn_id, c.call_id limit ?`,
    [input.olderThanMs / 1_000, ...(after ? [after.decidedAt, after.turnId, after.callId] : []), input.limit],
  );
  return rows.map((row) => ({
    sessionId: row.session_id,
    turnId: row.turn_id,
    callId: row.call_id,
    decidedAt: row.decided_at,
  }));
}
