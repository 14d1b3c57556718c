/** Indexes that the reading tools need on a large project. */
import type { Knex } from 'knex';

const LISTED = ['agents', 'knowledge_bases', 'sources', 'orchestrations', 'workflows'];

export async function up(knex: Knex): Promise<void> {
  for (const table of LISTED)
    await knex.raw(`create index if not exists copilot_${table}_name_idx on ai.${table} (lower(name), id)`);
  await knex.raw(`
    create index if not exists copilot_workflow_executions_newest_idx
      on ai.workflow_executions (workflow_id, created_at desc, id);
    create index if not exists copilot_workflow_executions_status_idx
      on ai.workflow_executions (workflow_id, status, created_at desc, id);
    create index if not exists copilot_workflow_block_logs_execution_idx
      on ai.workflow_block_logs (execution_id, execution_order);
    create index if not exists copilot_agents_model_idx on ai.agents (model);
    create index if not exists copilot_workflow_blocks_agent_idx
      on ai.workflow_blocks ((config ->> 'agent_id')) where config ->> 'agent_id' is not null;
    create index if not exists copilot_orchestration_entities_ref_idx on ai.orchestration_entities (entity_ref_id);
    create index if not exists copilot_orchestration_entities_owner_idx on ai.orchestration_entities (orchestration_id);
    create index if not exists copilot_indexed_sources_owner_idx on ai.indexed_sources (knowledge_base_id);
    create index if not exists copilot_agent_knowledge_bases_kb_idx on ai.agent_knowledge_bases (knowledge_base_id);
    create index if not exists copilot_agent_tools_agent_idx on ai.agent_tools (agent_id);
    create index if not exists copilot_agent_mcp_servers_agent_idx on ai.agent_mcp_servers (agent_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  for (const table of LISTED) await knex.raw(`drop index ai.copilot_${table}_name_idx`);
  for (const name of [
    'workflow_executions_newest',
    'workflow_executions_status',
    'workflow_block_logs_execution',
    'agents_model',
    'workflow_blocks_agent',
    'orchestration_entities_ref',
    'orchestration_entities_owner',
    'indexed_sources_owner',
    'agent_knowledge_bases_kb',
    'agent_tools_agent',
    'agent_mcp_servers_agent',
  ])
    await knex.raw(`drop index ai.copilot_${name}_idx`);
}
