/**
 * Keeps the bill of calls that a turn leaves unreported. When a turn ends or is deleted, a trigger adds an estimated usage
 * row for each of its model calls that has neither an answer nor a report: its worker died, or the call still runs. A
 * report that arrives later replaces the row.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(String.raw`
    create function ai.copilot_note_unreported_calls() returns trigger language plpgsql as $$
    begin
      insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens,
        output_tokens, reasoning_tokens, estimated)
      select c.turn_id, old.session_id, coalesce(substring(c.key from '^step:(.*)$')::int, 0), c.epoch, old.model,
        0, 0, 0, 0, true
      from ai.copilot_turn_claims c
      where c.turn_id = old.id and not c.idle and (c.key like 'step:%' or c.key = 'summary')
        and not exists (
          select 1 from ai.copilot_transcript t where t.turn_id = c.turn_id and t.key = c.key)
      on conflict (turn_id, step, epoch) do nothing;
      return coalesce(new, old);
    end $$;
    create trigger copilot_turns_ended after update of status on ai.copilot_turns for each row
      when (old.status = 'running' and new.status <> 'running')
      execute function ai.copilot_note_unreported_calls();
    create trigger copilot_turns_deleted before delete on ai.copilot_turns for each row
      when (old.status = 'running')
      execute function ai.copilot_note_unreported_calls();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger copilot_turns_deleted on ai.copilot_turns;
    drop trigger copilot_turns_ended on ai.copilot_turns;
    drop function ai.copilot_note_unreported_calls();
  `);
}
