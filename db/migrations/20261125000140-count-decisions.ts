/** Counts confirmations by their decision, and the seconds that they waited for it. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function ai.copilot_count_decision() returns trigger language plpgsql as $$
    begin
      insert into ai.copilot_count_changes (name, labels, value)
      values ('confirmations', array[new.decision], 1),
        ('confirmation_wait_seconds', array[new.decision],
          greatest(0, extract(epoch from coalesce(new.decided_at, clock_timestamp()) - new.asked_at)));
      return null;
    end $$;
    create trigger copilot_confirmations_decided after update of decision on ai.copilot_confirmations for each row
      when (old.decision is null and new.decision is not null)
      execute function ai.copilot_count_decision();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger copilot_confirmations_decided on ai.copilot_confirmations;
    drop function ai.copilot_count_decision();
  `);
}
