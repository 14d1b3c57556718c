/**
 * Adds what a confirmation covers besides its arguments, the index that finds decisions which no turn has acted upon, and
 * `fence_seed`: the random seed of the delimiters around data in a turn's prompts. Only the model sees the delimiters.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_confirmations
      -- The arguments in their checked form, with all defaults: what an approval does.
      add column change jsonb not null,
      -- The asset that is created, changed or deleted.
      add column asset_id uuid not null,
      -- The asset's whole content when the question was asked: an approval covers no other one.
      add column fingerprint text not null;
    alter table ai.copilot_turns add column fence_seed uuid not null default gen_random_uuid();
    create index copilot_confirmations_unheard_idx on ai.copilot_confirmations (decided_at)
      where decision is not null and result is null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index ai.copilot_confirmations_unheard_idx;
    alter table ai.copilot_turns drop column fence_seed;
    alter table ai.copilot_confirmations drop column fingerprint, drop column asset_id, drop column change;
  `);
}
