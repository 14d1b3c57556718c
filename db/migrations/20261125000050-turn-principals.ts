/** Turns keep the principal that started them: the `sub` of the token, null for a service token without one. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table ai.copilot_turns add column principal text');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table ai.copilot_turns drop column principal');
}
