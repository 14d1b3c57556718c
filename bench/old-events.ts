/** Turns whose events have expired, and the size of the table of events. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { rowsOf } from '../db/connection/sql-rows.ts';

export const EVENTS_OF_A_TURN = 100;
/** Autovacuum looks every minute. */
const VACUUM_WAIT_MS = 150_000;
/** The share of dead rows that counts as vacuumed. Autovacuum leaves up to a fifth of a table. */
const VACUUMED_SHARE = 0.05;

/** Inserts ended turns of 100 days ago, in sessions of a hundred turns each. */
export async function insertOldTurns(db: Knex, workflowId: string, sessions: number): Promise<void> {
  await db.raw(
    `with session as (
       insert into ai.copilot_sessions (id, workflow_id) select gen_random_uuid(), ? from generate_series(1, ?::int) returning id
     ), turn as (
       insert into ai.copilot_turns (id, session_id, workflow_id, user_message_id, message_id, message, model, base_graph,
         working_graph, status, stop_reason, last_seq, steps, finished_at)
       select gen_random_uuid(), s.id, ?, gen_random_uuid(), gen_random_uuid(), 'hi', 'demo', '{}', '{}', 'complete', 'done',
         ${EVENTS_OF_A_TURN}, 1, now() - interval '100 days'
       from session s cross join generate_series(1, 100) returning id, session_id, message_id
     ), message as (
       insert into ai.copilot_messages (id, session_id, role, content, created_at)
       select message_id, session_id, 'assistant', repeat('x', 40 * ${EVENTS_OF_A_TURN - 2}), now() - interval '100 days' from turn
     ), call as (
       insert into ai.copilot_transcript (turn_id, key, step, position, role, body)
       select id, 'step:1', 1, 0, 'assistant', json_build_object('content', repeat('y', 4000))::text from turn
     )
     insert into ai.copilot_turn_events (turn_id, seq, event, payload)
     select id, seq, case seq when 1 then 'start' when ${EVENTS_OF_A_TURN} then 'complete' else 'content_delta' end,
       json_build_object('step', 1, 'delta', repeat('x', 40))::text
     from turn cross join generate_series(1, ${EVENTS_OF_A_TURN}) as seq`,
    [workflowId, sessions, workflowId],
  );
  await db.raw('analyze ai.copilot_turns, ai.copilot_turn_events');
}

/** How many expired turns are not purged yet. */
export async function countExpired(db: Knex): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(
    db,
    `select count(*)::int as n from ai.copilot_turns where purged_at is null and finished_at < now() - interval '90 days'`,
  );
  return row!.n;
}

/** Waits for autovacuum. When it does not come, vacuums the table. Returns which of the two it was. */
export async function untilVacuumed(db: Knex, events: number): Promise<string> {
  for (const until = performance.now() + VACUUM_WAIT_MS; performance.now() < until; await delay(1_000)) {
    const [row] = await rowsOf<{ dead: number }>(
      db,
      `select n_dead_tup::int as dead from pg_stat_user_tables where relid = 'ai.copilot_turn_events'::regclass`,
    );
    if (row!.dead < events * VACUUMED_SHARE) return 'autovacuum';
  }
  await db.raw('vacuum ai.copilot_turn_events');
  return 'a vacuum, because autovacuum did not come';
}

/** A row for the table of sizes. */
export async function sizeOf(db: Knex, when: string): Promise<string[]> {
  // A session's statistics reach the view within a second of its last statement.
  await delay(1_500);
  const [row] = await rowsOf<{ rows: string; table: string; indexes: string; dead: string }>(
    db,
    `select (select count(*) from ai.copilot_turn_events)::text as rows, pg_size_pretty(pg_table_size(relid)) as table,
       pg_size_pretty(pg_indexes_size(relid)) as indexes, n_dead_tup::text as dead
     from pg_stat_user_tables where relid = 'ai.copilot_turn_events'::regclass`,
  );
  const { rows, table, indexes, dead } = row!;
  return [when, rows, table, indexes, dead];
}
