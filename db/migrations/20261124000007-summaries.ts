/** Adds summaries of a session's history to the transcript, and marks claims under which no model was called. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_transcript
      drop constraint copilot_transcript_role_check,
      add constraint copilot_transcript_role_check check (role in ('assistant', 'tool', 'summary'));
    create index copilot_transcript_summary_idx on ai.copilot_transcript (turn_id) where role = 'summary';
    -- True when the newest claim was given back without a call: nothing of it can be on a provider's bill.
    alter table ai.copilot_turn_claims add column idle boolean not null default false;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_turn_claims drop column idle;
    drop index ai.copilot_transcript_summary_idx;
    delete from ai.copilot_transcript where role = 'summary';
    alter table ai.copilot_transcript
      drop constraint copilot_transcript_role_check,
      add constraint copilot_transcript_role_check check (role in ('assistant', 'tool'));
  `);
}
