/**
 * Deletes the events and the transcript of ended turns, for retention. Messages, usage and confirmations stay.
 *
 * A turn is purged in steps, each a short transaction of its own. The first step makes the short stream of the turn: start,
 * a content_delta with the message's text, and the last event, numbered from 1. It sets `shortened_at` and `last_seq` in the
 * same transaction, and readers see no event beyond `last_seq`. So a reader sees all events or the short stream, never parts
 * of both. The other steps delete what nobody reads any more. A purge that was stopped goes on at the next run.
 *
 * One file, because the steps depend on what the steps before have left.
 */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';

/** Called after each statement with the time that it took. Rejects to stop the purge. */
export type AfterStatement = (tookMs: number) => Promise<void>;

/** A turn to purge. Its end, as Postgres writes it, is with its id the key of the listing. */
export interface ExpiredTurn {
  id: string;
  finishedAt: string;
}

/** The most rows of one statement, and about the most bytes. A row of a megabyte takes as long as 500 small ones. */
const MAX_ROWS = 500;
const MAX_BYTES = 1_000_000;

/** A page of the ended turns that are older than `olderThanMs` and not purged, oldest first. */
export async function listExpiredTurns(
  db: Knex,
  input: { olderThanMs: number; limit: number; after: ExpiredTurn | null },
): Promise<ExpiredTurn[]> {
  const { after } = input;
  const rows = await rowsOf<{ id: string; finished_at: string }>(
    db,
    `select id, finished_at::text as finished_at from ai.copilot_turns
     where finished_at is not null and purged_at is null and finished_at < now() - make_interval(secs => ?)
       ${after ? 'and (finished_at, id) > (?::timestamptz, ?::uuid)' : ''}
     order by copilot_turns.finished_at, id limit ?`,
    [input.olderThanMs / 1_000, ...(after ? [after.finishedAt, after.id] : []), input.limit],
  );
  return rows.map((row) => ({ id: row.id, finishedAt: row.finished_at }));
}

/**
 * Purges an ended turn. Returns false, and leaves the turn for a later run, when the turn runs, does not exist, or its row
 * is locked.
 */
export async function purgeTurn(db: Knex, turnId: string, afterStatement: AfterStatement): Promise<boolean> {
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    await afterStatement(performance.now() - startedAt);
    return result;
  };
  const found = await timed(() => shortenStream(db, turnId));
  if (found === 'not now') return false;
  if (found === 'short') while ((await timed(() => deleteEvents(db, turnId))) > 0);
  while ((await timed(() => deleteTranscript(db, turnId))) > 0);
  await timed(() => deleteSummaries(db, turnId));
  await timed(() => closePurge(db, turnId));
  return true;
}

/**
 * Makes the short stream of a turn. The last event keeps its payload, which may have megabytes: only its seq is changed, so
 * the payload is not written again. `odd` is a turn without a last event, which no release has written; its stream stays.
 */
async function shortenStream(db: Knex, turnId: string): Promise<'short' | 'odd' | 'not now'> {
  return db.transaction(async (trx) => {
    const [turn] = await rowsOf<{ last_seq: number; is_short: boolean }>(
      trx,
      `select last_seq::float8 as last_seq, shortened_at is not null as is_short from ai.copilot_turns
       where id = ? and status in ('complete', 'cancelled', 'failed') for update skip locked`,
      [turnId],
    );
    if (!turn) return 'not now';
    if (turn.is_short) return 'short';
    const [end] = await rowsOf<{ has_text: boolean }>(
      trx,
      `select coalesce(${TEXT}, '') <> '' as has_text from ${END}
       where t.id = ? and e.event in ('complete', 'error')`,
      [turnId],
    );
    if (!end) return 'odd';
    const lastSeq = end.has_text ? 3 : 2;
    await trx.raw(
      'delete from ai.copilot_turn_events where turn_id = ? and seq > 1 and seq <= ? and seq <> ?',
      [turnId, lastSeq, turn.last_seq],
    );
    await trx.raw('update ai.copilot_turn_events set seq = ? where turn_id = ? and seq = ?', [
      lastSeq,
      turnId,
      turn.last_seq,
    ]);
    await trx.raw('update ai.copilot_turns set last_seq = ?, shortened_at = clock_timestamp() where id = ?', [
      lastSeq,
      turnId,
    ]);
    if (end.has_text)
      await trx.raw(
        `insert into ai.copilot_turn_events (turn_id, seq, event, payload)
         select t.id, 2, 'content_delta', format('{"step":%s,"delta":%s}', greatest(t.steps, 1), to_json(${TEXT}))
         from ${END} where t.id = ?`,
        [turnId],
      );
    return 'short';
  });
}

/** A turn with its last event and its message. The platform may have deleted the message. */
const END = `ai.copilot_turns t join ai.copilot_turn_events e on e.turn_id = t.id and e.seq = t.last_seq
  left join ai.copilot_messages m on m.id = t.message_id`;
const TEXT = `coalesce(m.content, case when e.event = 'complete' then e.payload::json ->> 'content' end)`;

/** Deletes a batch of the events that the short stream does not have. Returns how many. */
async function deleteEvents(db: Knex, turnId: string): Promise<number> {
  const rows = await rowsOf(
    db,
    `with found as (
       select e.seq, pg_column_size(e.payload) as bytes from ai.copilot_turn_events e
       where e.turn_id = ? and e.seq > (select last_seq from ai.copilot_turns where id = ? and shortened_at is not null)
       order by e.seq limit ${MAX_ROWS}
     )
     delete from ai.copilot_turn_events where turn_id = ? and seq in (${fitting('seq')}) returning 1`,
    [turnId, turnId, turnId],
  );
  return rows.length;
}

/** Deletes a batch of the transcript without summaries. Returns how many rows. */
async function deleteTranscript(db: Knex, turnId: string): Promise<number> {
  const rows = await rowsOf(
    db,
    `with found as (
       select x.key, pg_column_size(x.body) as bytes from ai.copilot_transcript x
       where x.turn_id = ? and x.role <> 'summary' order by x.key limit ${MAX_ROWS}
     )
     delete from ai.copilot_transcript where turn_id = ? and key in (${fitting('key')}) returning 1`,
    [turnId, turnId],
  );
  return rows.length;
}

/** The first rows of `found`, until their bytes reach the limit. */
function fitting(key: string): string {
  return `select ${key} from (select ${key}, bytes, sum(bytes) over (order by ${key}) as total from found) f
    where total - bytes < ${MAX_BYTES}`;
}

/**
 * Deletes the summaries of the session's expired turns, except the newest summary of the session: later turns are told the
 * newest one in place of the messages that it covers.
 */
async function deleteSummaries(db: Knex, turnId: string): Promise<void> {
  await db.raw(
    `delete from ai.copilot_transcript s
     using ai.copilot_turns own, ai.copilot_turns t
     where own.id = ? and t.session_id = own.session_id and s.turn_id = t.id and s.role = 'summary'
       and (t.id = own.id or t.shortened_at is not null)
       and exists (
         select 1 from ai.copilot_turns n join ai.copilot_transcript newer on newer.turn_id = n.id and newer.role = 'summary'
         where n.session_id = t.session_id and (n.created_at, n.id) > (t.created_at, t.id))`,
    [turnId],
  );
}

/** Ends a purge: deletes the claims and the turn's copies of the canvas, which nothing reads once a turn has ended. */
async function closePurge(db: Knex, turnId: string): Promise<void> {
  await db.raw(
    `with claims as (delete from ai.copilot_turn_claims where turn_id = ?)
     update ai.copilot_turns
     set purged_at = clock_timestamp(), base_graph = '{}', working_graph = '{}', block_aliases = '{}' where id = ?`,
    [turnId, turnId],
  );
}
