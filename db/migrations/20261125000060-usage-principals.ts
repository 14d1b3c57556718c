/**
 * Usage rows keep the principal of their turn, so that budgets of a day outlive deleted sessions. A trigger copies it,
 * because every release and another trigger write such rows. A report that replaces an estimate keeps the principal.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_usage add column principal text;
    create function ai.copilot_note_principal() returns trigger language plpgsql as $$
    begin
      select t.principal into new.principal from ai.copilot_turns t where t.id = new.turn_id;
      return new;
    end $$;
    create trigger copilot_usage_principal before insert on ai.copilot_usage
      for each row execute function ai.copilot_note_principal();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger copilot_usage_principal on ai.copilot_usage;
    drop function ai.copilot_note_principal();
    alter table ai.copilot_usage drop column principal;
  `);
}
