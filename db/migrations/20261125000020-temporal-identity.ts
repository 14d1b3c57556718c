/** Records the Temporal namespace that runs this database's turns: one row, which the first process to look writes. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table ai.copilot_temporal (
      singleton boolean primary key default true check (singleton),
      namespace text not null,
      namespace_id text not null,
      recorded_at timestamptz not null default now()
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table ai.copilot_temporal');
}
