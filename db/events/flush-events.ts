/**
 * The two statements of the event log's writer. One writes the pending events of many turns at once. The other finds the
 * turns whose rows another transaction holds.
 */
import type { Pool } from 'pg';
import type { TurnEvent } from '../../contracts/events.ts';
import { TURN_EVENTS_CHANNEL } from '../../contracts/names.ts';
import { toPayload } from './event-payload.ts';
import { isConnectionError } from '../connection/pg-errors.ts';
import type { Fence } from '../fence.ts';

export interface NumberedEvent {
  fence: Fence;
  /** The event's number under its fence, from 1. */
  idx: number;
  event: TurnEvent;
}

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

// `skip locked`: the statement never waits. Its own locks end with it, because it runs outside a transaction.
const HELD_SQL = `
  with input as (
    select distinct i.* from unnest($1::uuid[], $2::text[]) as i (turn_id, key)
  ), claim as (
    select c.turn_id, c.key from ai.copilot_turn_claims c
    join input i on i.turn_id = c.turn_id and i.key = c.key
    for update of c skip locked
  ), turn as (
    select t.id from ai.copilot_turns t where t.id in (select turn_id from input) for no key update skip locked
  )
  select c.turn_id from ai.copilot_turn_claims c
  join input i on i.turn_id = c.turn_id and i.key = c.key
  where (c.turn_id, c.key) not in (select turn_id, key from claim)
  union
  select t.id from ai.copilot_turns t
  where t.id in (select turn_id from input) and t.id not in (select id from turn)`;

/** A key that identifies a claim among all turns. */
export function claimOf({ turnId, key }: Pick<Fence, 'turnId' | 'key'>): string {
  return `${turnId}/${key}`;
}

/**
 * Writes events and skips those that are already stored. Returns the claims (claimOf) whose fence holds; no event of
 * another claim was written. Rejects with a connection error when the answer was lost.
 */
export async function flushEvents(pool: Pool, batch: readonly NumberedEvent[]): Promise<Set<string>> {
  const client = await pool.connect();
  let isBroken = false;
  try {
    const { rows } = await client.query<{ turn_id: string; key: string }>({
      name: 'copilot_flush',
      text: FLUSH_SQL,
      values: [
        batch.map((item) => item.fence.turnId),
        batch.map((item) => item.fence.key),
        batch.map((item) => item.fence.epoch),
        batch.map((item) => item.idx),
        batch.map((item) => item.event.event),
        batch.map((item) => toPayload(item.event)),
      ],
    });
    return new Set(rows.map((row) => claimOf({ turnId: row.turn_id, key: row.key })));
  } catch (error: unknown) {
    isBroken = isConnectionError(error);
    throw error;
  } finally {
    client.release(isBroken);
  }
}

/** The ids of those turns whose rows another transaction holds now. */
export async function findHeldTurns(pool: Pool, items: readonly NumberedEvent[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ turn_id: string }>({
    name: 'copilot_held',
    text: HELD_SQL,
    values: [items.map((item) => item.fence.turnId), items.map((item) => item.fence.key)],
  });
  return new Set(rows.map((row) => row.turn_id));
}
