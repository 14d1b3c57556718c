/**
 * The indexes that two released migrations build with a plain CREATE INDEX, which blocks the table's writers. When the
 * platform's tables hold rows, the migrator builds these indexes concurrently before it runs the migrations. Released
 * migrations stay as they are; a new migration lists its own indexes.
 */
import type { ConcurrentIndex } from './concurrent-index.ts';

const named = (table: string): ConcurrentIndex => ({
  name: `copilot_${table}_name_idx`,
  table,
  on: '(lower(name), id)',
});

const OWN_ADDITION_INDEXES: readonly ConcurrentIndex[] = [
  {
    name: 'copilot_sessions_workflow_idx',
    table: 'copilot_sessions',
    on: '(workflow_id, created_at desc)',
  },
  {
    name: 'copilot_messages_session_idx',
    table: 'copilot_messages',
    on: '(session_id, created_at, id)',
  },
  { name: 'copilot_workflow_edges_workflow_idx', table: 'workflow_edges', on: '(workflow_id)' },
];

const TOOL_INDEXES: readonly ConcurrentIndex[] = [
  ...['agents', 'knowledge_bases', 'sources', 'orchestrations', 'workflows'].map(named),
  {
    name: 'copilot_workflow_executions_newest_idx',
    table: 'workflow_executions',
    on: '(workflow_id, created_at desc, id)',
  },
  {
    name: 'copilot_workflow_executions_status_idx',
    table: 'workflow_executions',
    on: '(workflow_id, status, created_at desc, id)',
  },
  {
    name: 'copilot_workflow_block_logs_execution_idx',
    table: 'workflow_block_logs',
    on: '(execution_id, execution_order)',
  },
  { name: 'copilot_agents_model_idx', table: 'agents', on: '(model)' },
  {
    name: 'copilot_workflow_blocks_agent_idx',
    table: 'workflow_blocks',
    on: "((config ->> 'agent_id')) where config ->> 'agent_id' is not null",
  },
  {
    name: 'copilot_orchestration_entities_ref_idx',
    table: 'orchestration_entities',
    on: '(entity_ref_id)',
  },
  {
    name: 'copilot_orchestration_entities_owner_idx',
    table: 'orchestration_entities',
    on: '(orchestration_id)',
  },
  { name: 'copilot_indexed_sources_owner_idx', table: 'indexed_sources', on: '(knowledge_base_id)' },
  { name: 'copilot_agent_knowledge_bases_kb_idx', table: 'agent_knowledge_bases', on: '(knowledge_base_id)' },
  { name: 'copilot_agent_tools_agent_idx', table: 'agent_tools', on: '(agent_id)' },
  { name: 'copilot_agent_mcp_servers_agent_idx', table: 'agent_mcp_servers', on: '(agent_id)' },
];

/**
 * By the name of a released migration: its indexes, and the SQL of the rest of the migration. Once the indexes exist, only
 * the rest is run, because CREATE INDEX IF NOT EXISTS locks the table even when the index exists.
 */
export const BUILT_BEFORE: Readonly<
  Record<string, { indexes: readonly ConcurrentIndex[]; rest: string | null }>
> = {
  '20261124000003-own-additions': {
    indexes: OWN_ADDITION_INDEXES,
    rest: 'alter table ai.copilot_sessions add column if not exists owner_sub text',
  },
  '20261124000005-tool-indexes': { indexes: TOOL_INDEXES, rest: null },
};
