/** Counts turns by how they ended. A turn whose row is deleted while the turn runs has ended as cancelled. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function ai.copilot_count_turn() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' then
        insert into ai.copilot_count_changes (name, labels, value)
        values ('turns', array['cancelled'], 1), ('turn_ends', array['deleted'], 1);
        return null;
      end if;
      insert into ai.copilot_count_changes (name, labels, value)
      values ('turns', array[new.status], 1),
        ('turn_ends', array[coalesce(new.stop_reason, new.error_code, 'unknown')], 1);
      return null;
    end $$;
    create trigger copilot_turns_ended_counted after update of status on ai.copilot_turns for each row
      when (old.status = 'running' and new.status <> 'running')
      execute function ai.copilot_count_turn();
    create trigger copilot_turns_deleted_counted after delete on ai.copilot_turns for each row
      when (old.status = 'running')
      execute function ai.copilot_count_turn();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger copilot_turns_deleted_counted on ai.copilot_turns;
    drop trigger copilot_turns_ended_counted on ai.copilot_turns;
    drop function ai.copilot_count_turn();
  `);
}
