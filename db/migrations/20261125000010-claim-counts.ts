/**
 * Counts on each claim how often the call failed by itself, and how often a worker was lost with it. The release before
 * this one does not write these columns; its attempts are not counted.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_turn_claims
      -- Calls that failed by themselves: no fault of the database, no death of a worker.
      add column model_failures int not null default 0,
      add column failing_since timestamptz,
      -- The process that holds the newest claim; null once it has told what became of it.
      add column holder uuid,
      -- Claims whose holder was never heard of again, and the last of those holders.
      add column deaths int not null default 0,
      add column lost_holder uuid;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_turn_claims
      drop column model_failures,
      drop column failing_since,
      drop column holder,
      drop column deaths,
      drop column lost_holder;
  `);
}
