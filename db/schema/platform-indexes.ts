/**
 * The indexes on the platform's tables that two released migrations make with a plain CREATE INDEX, which stops every writer of a
 * table while it is built. Where those tables hold rows already, the migrator builds these concurrently first, and
 * the migration finds them. Released migrations stay as they are; new indexes are listed by their own migration.
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
 * By the name of a released migration: its indexes, and the rest of what it does. Once the indexes are built, only the rest is
 * run: even an index that is there already makes CREATE INDEX IF NOT EXISTS lock its table.
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
