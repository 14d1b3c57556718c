/**
 * The turn aggregate: a row per turn, its fences, transcript and terminal state. Every write that a turn's activity
 * makes goes through a fence here or in event-log.ts: the holder of an older epoch can write nothing.
 *
 * Lock order, to be kept by every writer: claims of the turn, then the turn's row.
 */
import type { Knex } from 'knex';
import type { TurnEvent, Usage } from '../../contracts/events.ts';
import { type ErrorCode, type StopReason, TURN_EVENTS_CHANNEL } from '../../contracts/names.ts';
import type { TurnEndStatus, TurnStatus } from '../../contracts/turn.ts';
import type { WorkflowDiff } from '../../domain/graph/graph.ts';
import { forgetFailures } from './claim-counts.ts';
import { toPayload } from '../events/event-payload.ts';
import { USAGE_SUMS } from './usage-sums.ts';
import { rowsOf } from '../connection/sql-rows.ts';

/** One claim of one activity's work: `key` is `step:<n>` or `call:<call id>`. */
export interface Fence {
  turnId: string;
  key: string;
  epoch: number;
}

/**
 * Thrown when a fence holds no more, which a newer claim is the usual reason for: its holder's result counts, and whoever
 * holds this fence must stop writing. The event log, which asks nobody why, throws it for a turn that has ended as well.
 */
export class FencedError extends Error {
  readonly code = 'FENCED';
  readonly fence: Fence;

  constructor(fence: Fence) {
    super(`the claim of epoch ${fence.epoch} on ${fence.key} of turn ${fence.turnId} does not hold any more`);
    this.name = 'FencedError';
    this.fence = fence;
  }
}

/** Thrown when the turn has written its terminal event: there is nothing left to do for it. */
export class TurnOverError extends Error {
  readonly code = 'TURN_OVER';

  constructor(turnId: string) {
    super(`turn ${turnId} has ended`);
    this.name = 'TurnOverError';
  }
}

/** Thrown when the turn's row is not there: its session or workflow was deleted, or it was never started. */
export class TurnGoneError extends Error {
  readonly code = 'TURN_GONE';

  constructor(turnId: string) {
    super(`turn ${turnId} does not exist`);
    this.name = 'TurnGoneError';
  }
}

export interface Turn {
  id: string;
  sessionId: string;
  workflowId: string;
  userMessageId: string;
  messageId: string;
  idempotencyKey: string | null;
  message: string;
  model: string;
  status: TurnStatus;
  stopReason: StopReason | null;
  steps: number;
  workflowDiff: WorkflowDiff | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

interface TurnRow {
  id: string;
  session_id: string;
  workflow_id: string;
  user_message_id: string;
  message_id: string;
  idempotency_key: string | null;
  message: string;
  model: string;
  status: TurnStatus;
  stop_reason: StopReason | null;
  steps: number;
  workflow_diff: WorkflowDiff | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

const TURN_COLUMNS = `id, session_id, workflow_id, user_message_id, message_id, idempotency_key, message, model,
  status, stop_reason, steps, workflow_diff, created_at, started_at, finished_at`;

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
 * Adds a turn that nobody sees yet (status `starting`). With an idempotency key that the session has used already,
 * nothing is added and the earlier turn is returned with `created: false`. Null when the session is gone, or when the
 * earlier turn was taken back before it could be returned.
 */
export async function insertStartingTurn(
  db: Knex,
  input: {
    id: string;
    sessionId: string;
    workflowId: string;
    userMessageId: string;
    messageId: string;
    idempotencyKey: string | null;
    message: string;
    model: string;
    graph: string;
  },
): Promise<{ turn: Turn; created: boolean } | null> {
  const inserted = await rowsOf<TurnRow>(
    db,
    `insert into ai.copilot_turns
       (id, session_id, workflow_id, user_message_id, message_id, idempotency_key, message, model, base_graph, working_graph)
     select ?, s.id, ?, ?, ?, ?, ?, ?, ?, ? from ai.copilot_sessions s where s.id = ?
     for key share -- A session that is being deleted is waited for, and then not there.
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

/** Removes a turn that never ran. False when it runs after all (or is gone): then it must be served. */
export async function deleteStartingTurn(db: Knex, turnId: string): Promise<boolean> {
  const rows = await rowsOf(
    db,
    `delete from ai.copilot_turns where id = ? and status = 'starting' returning id`,
    [turnId],
  );
  return rows.length > 0;
}

/**
 * Makes a starting turn visible: the user's message, the start event (seq 1) and status running, in one statement.
 * API and worker both call it once the Temporal workflow exists; the second call changes nothing. True when this call
 * did it; otherwise the turn was promoted before, or is not there.
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

export interface Claim {
  fence: Fence;
  /** The stored result of this key, when an earlier attempt finished it: nothing is left to do. */
  stored: string | null;
  /** How many workers were lost with this call. */
  deaths: number;
}

/**
 * Claims one activity's work. The first claim appends `onFirst`; a later one fences off all before it and, when text
 * of this key was already shown, appends a content_reset to `textBefore()`. A finished key is returned, not claimed.
 * A claim on a model call (`bill`) notes that the one before it may be on the provider's bill; when its model is not the
 * turn's so far, it becomes that, `onSwitch` is appended, and the call's counts begin again.
 * A claim whose holder has told nothing of its end counts as a death: a worker was lost. It is not counted against this
 * call when the same worker held another call that had more deaths already, which is then the one that did it. `over` is
 * the epoch of the last claim that ended with a word to Temporal, as it must when the database is away.
 * Throws TurnGoneError without the turn, TurnOverError when the turn has ended.
 */
export async function claimWork(
  db: Knex,
  input: {
    turnId: string;
    key: string;
    step: number;
    onFirst: TurnEvent[];
    textBefore: (trx: Knex) => Promise<string>;
    bill?: { step: number; model?: string | undefined; onSwitch: (from: string, to: string) => TurnEvent[] };
    /** The process that claims. */
    holder: string;
    over: number | null;
  },
): Promise<Claim> {
  const { turnId, key } = input;
  return db.transaction(async (trx) => {
    const claims = await rowsOf<{
      epoch: number;
      deaths: number;
      was_shown: boolean;
      was_idle: boolean | null;
      stored: string | null;
    }>(
      trx,
      `insert into ai.copilot_turn_claims as c (turn_id, key, epoch, holder)
       select id, ?, 1, ?::uuid from ai.copilot_turns where id = ?
       on conflict (turn_id, key) do update set epoch = c.epoch + 1, written = 0, idle = false,
         holder = excluded.holder, lost_holder = coalesce(c.holder, c.lost_holder),
         deaths = c.deaths + case
           when c.holder is null or c.epoch = ?::int then 0
           when exists (
             select 1 from ai.copilot_turns t join ai.copilot_turn_claims o on o.turn_id = t.id
             where t.status = 'running' and (o.turn_id, o.key) <> (c.turn_id, c.key)
               and (o.holder = c.holder and o.deaths > c.deaths
                 or o.lost_holder = c.holder and o.deaths - 1 > c.deaths)
           ) then 0
           else 1
         end
       returning c.epoch, c.deaths, c.text_shown as was_shown,
         (select o.idle from ai.copilot_turn_claims o where o.turn_id = c.turn_id and o.key = c.key) as was_idle,
         (select body from ai.copilot_transcript t where t.turn_id = c.turn_id and t.key = c.key) as stored`,
      [key, input.holder, turnId, input.over],
    );
    const claim = claims[0];
    if (!claim) throw new TurnGoneError(turnId);
    const fence = { turnId, key, epoch: claim.epoch };
    if (claim.stored !== null) return { fence, stored: claim.stored, deaths: 0 };

    if (key === 'step:1') await promoteTurn(trx, turnId);
    let events: TurnEvent[] = [];
    if (claim.was_shown) {
      events = [{ event: 'content_reset', step: input.step, content: await input.textBefore(trx) }];
      await trx.raw('update ai.copilot_turn_claims set text_shown = false where turn_id = ? and key = ?', [
        turnId,
        key,
      ]);
    } else if (claim.epoch === 1) {
      events = input.onFirst;
    }
    if (input.bill && claim.epoch > 1 && !claim.was_idle)
      await insertUsage(trx, { turnId, key, epoch: claim.epoch - 1 }, { step: input.bill.step, ...LOST });
    if (input.bill?.model !== undefined) {
      const from = await switchModel(trx, turnId, input.bill.model);
      if (from !== null) {
        events = [...events, ...input.bill.onSwitch(from, input.bill.model)];
        await forgetFailures(trx, fence);
        claim.deaths = 0;
      }
    }
    await appendLocked(trx, fence, events);
    return { fence, stored: null, deaths: claim.deaths };
  });
}

/** Says that no model was called under this claim, and ends it. */
export async function markIdle(db: Knex, fence: Fence): Promise<void> {
  await db.raw(
    'update ai.copilot_turn_claims set idle = true, holder = null where turn_id = ? and key = ? and epoch = ?',
    [fence.turnId, fence.key, fence.epoch],
  );
}

/** Makes `model` the turn's and returns the one before; null when it was that already. */
async function switchModel(trx: Knex, turnId: string, model: string): Promise<string | null> {
  const rows = await rowsOf<{ before: string }>(
    trx,
    `update ai.copilot_turns t set model = ? from ai.copilot_turns o
     where t.id = ? and o.id = t.id and o.model <> ? returning o.model as before`,
    [model, turnId, model],
  );
  return rows[0]?.before ?? null;
}

/** Appends events under the turn row's lock and announces them. Throws TurnOverError when the turn is not running. */
export async function appendLocked(trx: Knex, fence: Fence, events: TurnEvent[]): Promise<void> {
  const rows = await rowsOf<{ base: string }>(
    trx,
    `update ai.copilot_turns set last_seq = last_seq + ? where id = ? and status = 'running'
     returning last_seq - ? as base`,
    [events.length, fence.turnId, events.length],
  );
  if (!rows[0]) throw new TurnOverError(fence.turnId);
  await insertEvents(trx, fence.turnId, Number(rows[0].base), events);
}

/** `diffJson`: the diff of a terminal event, which is put in as the text that it is. */
async function insertEvents(
  trx: Knex,
  turnId: string,
  base: number,
  events: TurnEvent[],
  diffJson: string | null = null,
): Promise<void> {
  if (events.length === 0) return;
  await trx.raw(
    `with written as (
       insert into ai.copilot_turn_events (turn_id, seq, event, payload)
       select ?, ? + n, event, payload from unnest(?::text[], ?::text[]) with ordinality as e (event, payload, n)
     )
     select pg_notify('${TURN_EVENTS_CHANNEL}', ?)`,
    [
      turnId,
      base,
      events.map((event) => event.event),
      events.map((event) => toPayload(event, diffJson)),
      turnId,
    ],
  );
}

export interface TranscriptEntry {
  step: number;
  position: number;
  role: 'assistant' | 'tool';
  /** JSON, as the activities write it. */
  body: string;
}

export interface UsageEntry {
  step: number;
  /** Whose bill it is, should the turn's row be gone by now. Null: the turn's. */
  sessionId: string | null;
  /** Null: the turn's. */
  model: string | null;
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costUsd: string | null;
  /** True for an attempt that ended without the provider's report: kept apart, outside the sums. */
  estimated: boolean;
  /** Null: not known. */
  latencyMs: number | null;
}

/** An attempt that ended without a word, as a killed worker does: what it cost is not known, that it was is. */
const LOST: Omit<UsageEntry, 'step'> = {
  sessionId: null,
  model: null,
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costUsd: null,
  estimated: true,
  latencyMs: null,
};

/** A finished piece of work: its transcript row and everything that is stored with it. */
export interface SavedWork {
  entry: Omit<TranscriptEntry, 'role'> & { role: TranscriptEntry['role'] | 'summary' };
  events: TurnEvent[];
  usage?: UsageEntry;
  graph?: { working: string; aliases: Record<string, string> };
}

/**
 * Stores an activity's result with everything that belongs to it, in one transaction under the fence. Saving again
 * under the same fence (after a lost answer) changes nothing. Throws FencedError when a newer claim exists,
 * TurnOverError when the turn has ended.
 */
export async function saveWork(db: Knex, fence: Fence, work: SavedWork): Promise<void> {
  await db.transaction(async (trx) => {
    await holdFence(trx, fence);
    await saveUnderFence(trx, fence, work);
  });
}

/** Locks the claim of a fence and ends it: what is stored in this transaction is its holder's word. Throws FencedError. */
export async function holdFence(trx: Knex, fence: Fence): Promise<void> {
  const held = await rowsOf(
    trx,
    `update ai.copilot_turn_claims set holder = null where turn_id = ? and key = ? and epoch = ? returning 1`,
    [fence.turnId, fence.key, fence.epoch],
  );
  if (held.length === 0) throw new FencedError(fence);
}

/** The part of saveWork for a transaction that holds the fence already. */
export async function saveUnderFence(trx: Knex, fence: Fence, work: SavedWork): Promise<void> {
  const inserted = await rowsOf(
    trx,
    `insert into ai.copilot_transcript (turn_id, key, step, position, role, body) values (?, ?, ?, ?, ?, ?)
     on conflict (turn_id, key) do nothing returning 1`,
    [fence.turnId, fence.key, work.entry.step, work.entry.position, work.entry.role, work.entry.body],
  );
  if (inserted.length === 0) return;
  await appendLocked(trx, fence, work.events);
  if (work.graph) {
    await trx.raw('update ai.copilot_turns set working_graph = ?, block_aliases = ? where id = ?', [
      work.graph.working,
      JSON.stringify(work.graph.aliases),
      fence.turnId,
    ]);
  }
  if (work.usage) await insertUsage(trx, fence, work.usage);
}

/**
 * Records an attempt's tokens, also when the turn's row is gone: the ledger outlives sessions. An attempt is one
 * (turn, step, epoch): recording it again changes nothing, but that a report takes the place of an estimate.
 */
export async function insertUsage(db: Knex, fence: Fence, usage: UsageEntry): Promise<void> {
  await db.raw(
    `insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens, output_tokens,
       reasoning_tokens, cost_usd, estimated, latency_ms)
     select w.id, coalesce(w.session_id, t.session_id), ?, ?, coalesce(?, t.model), ?, ?, ?, ?, ?::numeric, ?, ?
     from (values (?::uuid, ?::uuid)) as w (id, session_id) left join ai.copilot_turns t on t.id = w.id
     where coalesce(w.session_id, t.session_id) is not null
     on conflict (turn_id, step, epoch) do update set model = excluded.model, input_tokens = excluded.input_tokens,
       cached_tokens = excluded.cached_tokens, output_tokens = excluded.output_tokens,
       reasoning_tokens = excluded.reasoning_tokens, cost_usd = excluded.cost_usd, estimated = false,
       latency_ms = excluded.latency_ms
     where ai.copilot_usage.estimated and not excluded.estimated`,
    [
      usage.step,
      fence.epoch,
      usage.model,
      usage.inputTokens,
      usage.cachedTokens,
      usage.outputTokens,
      usage.reasoningTokens,
      usage.costUsd,
      usage.estimated,
      usage.latencyMs === null ? null : Math.round(usage.latencyMs),
      fence.turnId,
      usage.sessionId,
    ],
  );
}

/** What a turn's first model call needs. Everything here stays the same for the whole turn. */
export interface TurnContext {
  turnId: string;
  sessionId: string;
  workflowId: string;
  message: string;
  model: string;
  baseGraph: string;
  /** Random: what the tokens of the turn's data fences are made from. */
  fenceSeed: string;
}

/** Throws TurnGoneError. */
export async function loadTurnContext(db: Knex, turnId: string): Promise<TurnContext> {
  const rows = await rowsOf<{
    session_id: string;
    workflow_id: string;
    message: string;
    model: string;
    base_graph: string;
    fence_seed: string;
  }>(
    db,
    'select session_id, workflow_id, message, model, base_graph, fence_seed from ai.copilot_turns where id = ?',
    [turnId],
  );
  const row = rows[0];
  if (!row) throw new TurnGoneError(turnId);
  return {
    turnId,
    sessionId: row.session_id,
    workflowId: row.workflow_id,
    message: row.message,
    model: row.model,
    baseGraph: row.base_graph,
    fenceSeed: row.fence_seed,
  };
}

/** The graph as the turn's calls have left it, and the ids the model gave to new blocks. Throws TurnGoneError. */
export async function loadWorkingGraph(
  db: Knex,
  turnId: string,
): Promise<{ working: string; aliases: Record<string, string> }> {
  const rows = await rowsOf<{ working_graph: string; block_aliases: Record<string, string> }>(
    db,
    'select working_graph, block_aliases from ai.copilot_turns where id = ?',
    [turnId],
  );
  if (!rows[0]) throw new TurnGoneError(turnId);
  return { working: rows[0].working_graph, aliases: rows[0].block_aliases };
}

/** The transcript in the order of the conversation; with `step`, only that step's rows. */
export async function listTranscript(db: Knex, turnId: string, step?: number): Promise<TranscriptEntry[]> {
  return rowsOf<TranscriptEntry>(
    db,
    `select step, position, role, body from ai.copilot_transcript
     where turn_id = ? and role <> 'summary' ${step === undefined ? '' : 'and step = ?'} order by step, position`,
    step === undefined ? [turnId] : [turnId, step],
  );
}

/** Sums of the reported attempts of a turn. */
export async function sumUsage(db: Knex, turnId: string): Promise<Usage> {
  const rows = await rowsOf<Usage>(
    db,
    `select ${USAGE_SUMS} from ai.copilot_usage where turn_id = ? and not estimated`,
    [turnId],
  );
  return rows[0]!;
}

/** What a reader has seen of the answer: every content_delta since the last content_reset. */
export async function visibleText(db: Knex, turnId: string): Promise<string> {
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

export interface TurnEnd {
  status: TurnEndStatus;
  stopReason: StopReason | null;
}

/**
 * Ends a turn: the assistant message, the terminal event and the status, in one transaction. The first caller decides;
 * a later one gets what was decided. `diff` is called with the base and the working graph where they differ, and gives
 * the WorkflowDiff (all of them JSON texts). It may take its time: no lock is held meanwhile, and it is called again in
 * the rare case that the working graph has changed. Throws TurnGoneError.
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

export interface EndTurnInput {
  turnId: string;
  steps: number | null;
  outcome: { kind: 'complete'; stopReason: StopReason } | { kind: 'error'; code: ErrorCode; message: string };
  diff: (base: string, working: string) => Promise<string | null> | null;
}

/** A turn's graphs, null when they are equal, and what tells one working graph from another. */
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

/** Null: the working graph is another one than the diff was made of, and nothing was done. */
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

    const content = await visibleText(trx, turnId);
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
