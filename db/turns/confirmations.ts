/**
 * Questions to a person about tool calls, and the decisions. Each call has one row. The first decision stands: a person's,
 * the expiry, or the cancellation of the turn. The effect, its result and the transcript row are stored in one transaction.
 *
 * Every writer locks in this order: claims of the turn, the confirmation, the turn's row.
 *
 * One file, because every function changes or reads the same row.
 */
import type { Knex } from 'knex';
import type { Actor } from '../../contracts/audit.ts';
import type { TurnEvent } from '../../contracts/events.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { recordAct } from '../audit/audit.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { appendLocked } from '../events/append-events.ts';
import type { Fence } from '../fence.ts';
import { holdFence } from './claims.ts';
import { type SavedWork, saveUnderFence } from './transcript.ts';

export type Decision = 'approved' | 'rejected' | 'expired';

/** What a person is asked, and what an approval covers. It holds no prose of the model. */
export interface Question {
  /** The model's arguments, with hidden characters spelled out. */
  arguments: JsonObject;
  /** SHA-256 of the model's arguments as canonical JSON. */
  argumentsHash: string;
  /** The checked arguments with all defaults: the change that an approval makes. */
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
  /** The person who decided; null without a decision of a person. */
  decidedBy: Actor | null;
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
  decided_by: string | null;
  decided_role: string | null;
  decided_request_id: string | null;
}

const COLUMNS = `turn_id, call_id, arguments, arguments_hash, change, summary, before, after, asset_id, fingerprint, expires_at, decision,
   reason, decided_by, decided_role, decided_request_id`;

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
    decidedBy:
      row.decided_by === null
        ? null
        : { actor: row.decided_by, role: row.decided_role, requestId: row.decided_request_id },
  };
}

/** The confirmation of a call, open or decided; null when the call was not asked. */
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

/** The undecided confirmation that a turn waits for, or null. */
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
 * Stores the question and the events that show it, in one transaction under the fence. Returns the expiry, which is the
 * database's time plus `ttlMs`. Throws FencedError, TurnOverError.
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
 * Writes a person's decision, unless the call is decided or the turn is over. After `expires_at` it writes `expired`
 * instead, because there may be no worker to write the expiry. Returns the decision that stands: null for a call that was
 * not asked, `turn_over` when the turn ended with the question open.
 */
export async function decideConfirmation(
  db: Knex,
  input: {
    turnId: string;
    callId: string;
    decision: 'approved' | 'rejected';
    reason: string | null;
    by: Actor;
  },
): Promise<Decision | 'turn_over' | null> {
  const { turnId, callId, by } = input;
  return db.transaction(async (trx) => {
    const asked = await rowsOf<{ decision: Decision | null; late: boolean }>(
      trx,
      `select decision, expires_at <= clock_timestamp() as late from ai.copilot_confirmations
       where turn_id = ? and call_id = ? for update`,
      [turnId, callId],
    );
    if (!asked[0]) return null;
    if (asked[0].decision !== null) return asked[0].decision;
    // `for share` waits for the statement that ends the turn, and that statement waits for this transaction.
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
    await writeDecision(trx, turnId, callId, input.decision, input.reason, by);
    await recordAct(trx, by, { action: 'confirmation.decide', target: `${turnId}/${callId}` });
    return input.decision;
  });
}

async function writeDecision(
  trx: Knex,
  turnId: string,
  callId: string,
  decision: Decision,
  reason: string | null,
  by: Actor | null,
): Promise<void> {
  await trx.raw(
    `update ai.copilot_confirmations
     set decision = ?, reason = ?, decided_by = ?, decided_role = ?, decided_request_id = ?,
       decided_at = clock_timestamp()
     where turn_id = ? and call_id = ?`,
    [
      decision,
      reason,
      by?.actor ?? null,
      by?.role ?? null,
      by?.requestId ?? null,
      turnId,
      callId,
    ] as Knex.RawBinding[],
  );
}

/** Why a turn stops waiting: a signal told it of a decision, the time is up, or the turn is being cancelled. */
export type WakeUp = 'decided' | 'expired' | 'cancelled';

/**
 * Ends the wait for a decision, in one transaction under the fence. An undecided row becomes `expired`, or `rejected` with
 * the reason `cancelled`. Then `perform` acts on the decision, and the result, the transcript row and the events are
 * stored. Returns false when `wakeUp` is `decided` but the row has no decision. Throws FencedError, TurnOverError.
 */
export async function settleConfirmation<Result extends object>(
  db: Knex,
  fence: Fence,
  input: {
    wakeUp: WakeUp;
    /** Acts on any decision and returns the result. It must make changes only through `trx` and lock the asset's rows. */
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

/** A decision that the turn has not acted upon. */
export interface UnheardDecision {
  sessionId: string;
  turnId: string;
  callId: string;
  /** The time as Postgres writes it, because a Date has no microseconds. With the two ids it is the key of the listing. */
  decidedAt: string;
}

/**
 * A page of decisions that their turns have not acted upon for `olderThanMs`, oldest first. The signals of these decisions
 * may be lost. `after` is the last item of the previous page.
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
