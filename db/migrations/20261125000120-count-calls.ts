/**
 * Counts model calls, tokens and cost, from the rows of the ledger. `result` says how a call ended: `ok`, an error code,
 * `cancelled`, or `lost` for a call whose worker never reported. A late report adds its tokens; the call is counted once, as
 * it was first noted. Rows of the previous release have no result.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(String.raw`
    alter table ai.copilot_usage add column result text;

    create function ai.copilot_count_call() returns trigger language plpgsql as $$
    begin
      insert into ai.copilot_count_changes (name, labels, value)
      select c.name, c.labels, c.value
      from (values
        ('model_calls', array[new.model, coalesce(new.result, case when new.estimated then 'lost' else 'ok' end)],
          (tg_op = 'INSERT')::int::numeric),
        ('model_tokens', array[new.model, 'input'], new.input_tokens::numeric),
        ('model_tokens', array[new.model, 'cached'], new.cached_tokens::numeric),
        ('model_tokens', array[new.model, 'output'], new.output_tokens::numeric),
        ('model_tokens', array[new.model, 'reasoning'], new.reasoning_tokens::numeric),
        ('model_cost_usd', array[new.model], new.cost_usd)
      ) as c (name, labels, value)
      where c.value > 0;
      return null;
    end $$;
    create trigger copilot_usage_noted after insert on ai.copilot_usage for each row
      execute function ai.copilot_count_call();
    create trigger copilot_usage_reported after update on ai.copilot_usage for each row
      when (old.estimated and not new.estimated)
      execute function ai.copilot_count_call();

    create or replace function ai.copilot_note_unreported_calls() returns trigger language plpgsql as $$
    begin
      insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens,
        output_tokens, reasoning_tokens, estimated, result)
      select c.turn_id, old.session_id, coalesce(substring(c.key from '^step:(.*)$')::int, 0), c.epoch, old.model,
        0, 0, 0, 0, true, case when tg_op = 'DELETE' or new.status = 'cancelled' then 'cancelled' else 'lost' end
      from ai.copilot_turn_claims c
      where c.turn_id = old.id and not c.idle and (c.key like 'step:%' or c.key = 'summary')
        and not exists (
          select 1 from ai.copilot_transcript t where t.turn_id = c.turn_id and t.key = c.key)
      on conflict (turn_id, step, epoch) do nothing;
      return coalesce(new, old);
    end $$;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(String.raw`
    create or replace function ai.copilot_note_unreported_calls() returns trigger language plpgsql as $$
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
    drop trigger copilot_usage_reported on ai.copilot_usage;
    drop trigger copilot_usage_noted on ai.copilot_usage;
    drop function ai.copilot_count_call();
    alter table ai.copilot_usage drop column result;
  `);
}
