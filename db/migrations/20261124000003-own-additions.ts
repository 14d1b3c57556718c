/** Adds to the platform's tables the owner of a session, and the indexes that the copilot's queries need. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The token's sub; null for a session that the platform itself (service_role) made.
    alter table ai.copilot_sessions add column if not exists owner_sub text;
    create index if not exists copilot_sessions_workflow_idx on ai.copilot_sessions (workflow_id, created_at desc);
    create index if not exists copilot_messages_session_idx on ai.copilot_messages (session_id, created_at, id);
    create index if not exists copilot_workflow_edges_workflow_idx on ai.workflow_edges (workflow_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index ai.copilot_workflow_edges_workflow_idx;
    drop index ai.copilot_messages_session_idx;
    drop index ai.copilot_sessions_workflow_idx;
    alter table ai.copilot_sessions drop column owner_sub;
  `);
}
