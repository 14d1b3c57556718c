/**
 * The service-wide counts behind `/metrics`. Whoever counts adds a row to copilot_count_changes in the transaction of the
 * counted fact, so a count equals what happened, and no two transactions wait for the same row. The API folds these rows
 * into copilot_counts (db/counts/counts.ts). A count is the sum of both tables and never falls.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table ai.copilot_counts (
      name text not null,
      labels text[] not null,
      value numeric not null,
      constraint copilot_counts_pkey primary key (name, labels)
    );
    create table ai.copilot_count_changes (
      id bigint generated always as identity constraint copilot_count_changes_pkey primary key,
      name text not null,
      labels text[] not null,
      value numeric not null
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table ai.copilot_count_changes;
    drop table ai.copilot_counts;
  `);
}
