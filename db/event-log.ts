/**
 * The write side of the event log. A worker process has one writer: it flushes the pending events of all its turns in
 * one statement as soon as the previous flush is done, so the first delta goes at once and later ones gather while
 * the disk works, or for some milliseconds. An append resolves when its events are durable.
 *
 * A flush whose answer is lost (the server went away) is sent again until it is answered: `written` on the claim
 * says which events of an epoch are there already, so nothing is doubled. Events of a fence that no longer holds
 * reject with FencedError.
 */
import type { PoolClient } from 'pg';
import type { TurnEvent } from '../contracts/events.ts';
import { STEP_SEPARATOR, TURN_EVENTS_CHANNEL } from '../contracts/names.ts';
import { toPayload } from './event-payload.ts';
import { isConnectionError } from './pg-errors.ts';
import { createPool } from './pg-pool.ts';
import { type Fence, FencedError } from './turns.ts';

// NOTIFY carries at most 8,000 bytes, which is 216 ids with their commas.
const MAX_TURNS_PER_FLUSH = 200;
const MAX_EVENTS_PER_FLUSH = 2_000;
const RETRY_DELAY_MS = 200;
/** Between the beginnings of two flushes: each costs a quarter of a millisecond of processor time, however full. */
const FLUSH_GAP_MS = 8;

const FLUSH_SQL = `
  with input as (
    select i.* from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::text[], $6::text[])
      as i (turn_id, key, epoch, idx, event, payload)
  ), fence as (
    select c.turn_id, c.key, c.written
    from ai.copilot_turn_claims c
    join (select distinct turn_id, key, epoch from input) i
      on i.turn_id = c.turn_id and i.key = c.key and i.epoch = c.epoch
    order by c.turn_id, c.key
    for update of c
  ), fresh as (
    select i.turn_id, i.key, i.idx, i.event, i.payload,
      row_number() over (partition by i.turn_id order by i.key, i.idx) as n
    from input i join fence f on f.turn_id = i.turn_id and f.key = i.key
    where i.idx > f.written
  ), turn as (
    update ai.copilot_turns t
    set last_seq = t.last_seq + k.count
    from (select turn_id, count(*) as count from fresh group by turn_id) k
    where t.id = k.turn_id and t.status = 'running'
    returning t.id, t.last_seq - k.count as base
  ), claim as (
    update ai.copilot_turn_claims c
    set written = k.written, text_shown = c.text_shown or k.text
    from (
      select turn_id, key, max(idx) as written, bool_or(event in ('content_delta', 'reasoning_delta')) as text
      from fresh group by turn_id, key
    ) k
    join turn on turn.id = k.turn_id
    where c.turn_id = k.turn_id and c.key = k.key
  ), written as (
    insert into ai.copilot_turn_events (turn_id, seq, event, payload)
    select f.turn_id, turn.base + f.n, f.event, f.payload from fresh f join turn on turn.id = f.turn_id
  ), announced as (
    select pg_notify('${TURN_EVENTS_CHANNEL}', string_agg(id::text, ',')) from turn having count(*) > 0
  )
  select f.turn_id, f.key, (select count(*) from announced)
  from fence f
  where exists (select 1 from turn where turn.id = f.turn_id)
    or not exists (select 1 from fresh where fresh.turn_id = f.turn_id)`;

// Tokens that gather while a flush is under way become one event, up to this many characters.
const MAX_MERGED_DELTA_CHARS = 2_000;

interface Pending {
  fence: Fence;
  idx: number;
  event: TurnEvent;
  taken: boolean;
  settle: { resolve: () => void; reject: (error: unknown) => void }[];
}

/** The events of one claim, in order. Made once per claim; not usable after its activity ended. */
export interface EventStream {
  /** Queues events; resolves when they are durable. Rejects with FencedError. A rejection may be left unhandled. */
  append(events: TurnEvent[]): Promise<void>;
  /** Resolves when everything appended before is durable; rejects with the first error. */
  drain(): Promise<void>;
}

export interface EventLog {
  open(fence: Fence): EventStream;
  /** Flushes what is pending (waiting at most a second) and closes the connection. */
  close(): Promise<void>;
}

/** `onError` hears of connection trouble; the writer heals by itself. */
export function createEventLog(options: {
  databaseUrl: string;
  onError: (error: unknown) => void;
}): EventLog {
  const pool = createPool(
    {
      connectionString: options.databaseUrl,
      max: 1,
      application_name: 'copilot-event-log',
      connectionTimeoutMillis: 3_000,
      keepAlive: true,
    },
    options.onError,
  );
  let pending: Pending[] = [];
  let flushing: Promise<void> | null = null;
  let closing = false;
  let lastFlush = 0;
  let hurry: (() => void) | null = null;
  /** How many wait for the end of what they appended: then there is nothing to gather for. */
  let draining = 0;

  const gather = async (): Promise<void> => {
    const wait = lastFlush + FLUSH_GAP_MS - performance.now();
    if (wait >= 1 && draining === 0 && !closing) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        hurry = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      hurry = null;
    }
    lastFlush = performance.now();
  };

  const flush = async (): Promise<void> => {
    while (pending.length > 0) {
      await gather();
      const batch = takeBatch();
      const accepted = await write(batch);
      if (accepted === null) {
        for (const item of batch)
          for (const { reject } of item.settle) reject(new Error('the event log is closed'));
        return;
      }
      for (const item of batch) {
        const ok = accepted.has(`${item.fence.turnId}/${item.fence.key}`);
        for (const { resolve, reject } of item.settle) {
          if (ok) resolve();
          else reject(new FencedError(item.fence));
        }
      }
    }
  };

  const takeBatch = (): Pending[] => {
    const turns = new Set<string>();
    let end = 0;
    for (const item of pending) {
      turns.add(item.fence.turnId);
      if (turns.size > MAX_TURNS_PER_FLUSH || end === MAX_EVENTS_PER_FLUSH) break;
      end += 1;
    }
    const batch = pending.slice(0, end);
    pending = pending.slice(end);
    for (const item of batch) item.taken = true;
    return batch;
  };

  /** The accepted fences; null when the writer is closing and the server is away. */
  const write = async (batch: Pending[]): Promise<Set<string> | null> => {
    const values = [
      batch.map((item) => item.fence.turnId),
      batch.map((item) => item.fence.key),
      batch.map((item) => item.fence.epoch),
      batch.map((item) => item.idx),
      batch.map((item) => item.event.event),
      batch.map((item) => toPayload(item.event)),
    ];
    for (;;) {
      let client: PoolClient | undefined;
      try {
        client = await pool.connect();
        const result = await client.query<{ turn_id: string; key: string }>({
          name: 'copilot_flush',
          text: FLUSH_SQL,
          values,
        });
        client.release();
        return new Set(result.rows.map((row) => `${row.turn_id}/${row.key}`));
      } catch (error: unknown) {
        client?.release(true);
        // Anything but a lost server or a lock conflict is a defect: whoever appended must hear of it.
        if (!isConnectionError(error) && !isLockConflict(error)) {
          for (const item of batch) for (const { reject } of item.settle) reject(error);
          return new Set();
        }
        options.onError(error);
        if (closing) return null;
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  };

  const kick = (): void => {
    flushing ??= flush().finally(() => {
      flushing = null;
      if (pending.length > 0 && !closing) kick();
    });
  };

  return {
    open(fence) {
      let idx = 0;
      let tail: Pending | null = null;
      let last: Promise<void> = Promise.resolve();
      let failure: { error: unknown } | null = null;
      const add = (event: TurnEvent): Pending => {
        if (tail && !tail.taken && mergeDelta(tail.event, event)) return tail;
        tail = { fence, idx: (idx += 1), event: { ...event }, taken: false, settle: [] };
        pending.push(tail);
        return tail;
      };
      return {
        append(events) {
          if (failure) return Promise.reject(failure.error);
          if (events.length === 0) return last;
          const done = new Promise<void>((resolve, reject) => {
            const items = events.map(add);
            items.at(-1)!.settle.push({ resolve, reject });
          });
          last = done;
          // Whoever drains hears of it; a caller that only streams need not.
          done.catch((error: unknown) => (failure ??= { error }));
          kick();
          return done;
        },
        async drain() {
          draining += 1;
          hurry?.();
          await last.catch(() => undefined);
          draining -= 1;
          if (failure) throw failure.error;
        },
      };
    },
    async close() {
      const deadline = new Promise((resolve) => setTimeout(resolve, 1_000).unref());
      hurry?.();
      await Promise.race([flushing, deadline]);
      closing = true;
      await Promise.race([flushing, deadline]);
      await pool.end();
    },
  };
}

/** Adds a delta to a waiting one of the same kind and step. False when they can't be one event. */
function mergeDelta(waiting: TurnEvent, event: TurnEvent): boolean {
  if (event.event !== 'content_delta' && event.event !== 'reasoning_delta') return false;
  if (waiting.event !== event.event || waiting.step !== event.step) return false;
  // The line breaks between two steps are a delta of their own.
  if (waiting.delta === STEP_SEPARATOR) return false;
  if (waiting.delta.length + event.delta.length > MAX_MERGED_DELTA_CHARS) return false;
  waiting.delta += event.delta;
  return true;
}

/** 40P01 deadlock, 40001 serialization failure: the statement changed nothing and may be sent again. */
function isLockConflict(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === '40P01' || code === '40001';
}
