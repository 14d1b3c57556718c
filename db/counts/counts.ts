/**
 * The service-wide counts of `/metrics`: what all workers and APIs of a database did, since the migration that made the
 * tables. The rows of copilot_count_changes are written by triggers and by db/turns/transcript.ts.
 */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';

/** A count and the values of its labels, in the order in which the row was written. */
export interface Count {
  name: string;
  labels: string[];
  value: number;
}

/** What is open now. */
export interface OpenWork {
  /** Turns in status `running`. */
  running: number;
  /** Running turns that wait for a person. */
  waiting: number;
  /** How long the oldest open question waits; 0 without one. */
  oldestQuestionSeconds: number;
}

const FOLD_ROWS = 5_000;

/** All counts. One statement reads both tables, so a row that is folded meanwhile is neither missed nor counted twice. */
export async function readCounts(db: Knex): Promise<Count[]> {
  return rowsOf<Count>(
    db,
    `select name, labels, sum(value)::float8 as value
     from (
       select name, labels, value from ai.copilot_counts
       union all
       select name, labels, value from ai.copilot_count_changes
     ) c group by name, labels`,
  );
}

/**
 * Folds the rows of copilot_count_changes into copilot_counts, so that a read stays cheap. Any number of processes may fold
 * at once: each takes rows that no other has, and all lock the sums in the same order.
 */
export async function foldCounts(db: Knex): Promise<void> {
  for (let folded = FOLD_ROWS; folded === FOLD_ROWS; ) {
    const rows = await rowsOf<{ folded: number }>(
      db,
      `with change as (
         delete from ai.copilot_count_changes where id in (
           select id from ai.copilot_count_changes order by id limit ? for update skip locked
         ) returning name, labels, value
       ), sums as (
         insert into ai.copilot_counts as c (name, labels, value)
         select name, labels, sum(value) from change group by name, labels order by name, labels
         on conflict (name, labels) do update set value = c.value + excluded.value
       )
       select count(*)::int as folded from change`,
      [FOLD_ROWS],
    );
    folded = rows[0]!.folded;
  }
}

/** Counts the open turns and questions. Reads only open rows, by partial indexes. */
export async function countOpenWork(db: Knex): Promise<OpenWork> {
  const rows = await rowsOf<{ running: number; waiting: number; oldest: number }>(
    db,
    `select
       (select count(*) from ai.copilot_turns where status = 'running')::int as running,
       count(distinct c.turn_id)::int as waiting,
       coalesce(extract(epoch from clock_timestamp() - min(c.asked_at)), 0)::float8 as oldest
     from ai.copilot_confirmations c join ai.copilot_turns t on t.id = c.turn_id and t.status = 'running'
     where c.decision is null`,
  );
  const { running, waiting, oldest } = rows[0]!;
  return { running, waiting, oldestQuestionSeconds: oldest };
}
