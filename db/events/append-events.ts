/** Appends events to the log of one turn, in the transaction that stores what the events announce. */
import type { Knex } from 'knex';
import type { TurnEvent } from '../../contracts/events.ts';
import { TURN_EVENTS_CHANNEL } from '../../contracts/names.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { type Fence, TurnOverError } from '../fence.ts';
import { toPayload } from './event-payload.ts';

/**
 * Appends events and announces them to readers. The update of `last_seq` locks the turn's row until the transaction ends.
 * Throws TurnOverError when the turn is not running.
 */
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

/**
 * Inserts events with the seqs after `base` and announces them. `diffJson` is the diff of a complete event as JSON text.
 * The caller holds the lock of the turn's row.
 */
export async function insertEvents(
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
