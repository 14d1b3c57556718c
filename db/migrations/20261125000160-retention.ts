/**
 * Marks turns whose events and transcript retention has deleted. `shortened_at`: readers get the short stream from then on.
 * `purged_at`: nothing that retention deletes is left. A process of the release before shows a turn that retention is
 * working on with some of its old events, for the seconds that this takes.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_turns
      add column shortened_at timestamptz,
      add column purged_at timestamptz;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_turns
      drop column shortened_at,
      drop column purged_at;
  `);
}
