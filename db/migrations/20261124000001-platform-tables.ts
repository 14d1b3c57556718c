/**
 * The platform's tables. A deployment may hold them already: a missing table is created, and an existing one gets only
 * the columns that it lacks. `down` leaves the tables alone, because their rows belong to the platform.
 */
import type { Knex } from 'knex';

/** The columns, then the constraints of each table. A table comes after those that it references. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  workflows: [
    'id uuid primary key default gen_random_uuid()',
    'name varchar(255) not null',
    'description text',
    "variables jsonb default '{}'",
    'version int default 1',
    'color varchar(50)',
    "state varchar(20) default 'internal'",
    'webhook_armed_until timestamptz',
    'schedule_config jsonb',
    'schedule_run_count int default 0',
    'last_scheduled_at timestamptz',
    'created_at timestamptz default now()',
    'updated_at timestamptz default now()',
  ],
  workflow_blocks: [
    'id uuid not null default gen_random_uuid()',
    'workflow_id uuid not null references ai.workflows (id) on delete cascade',
    'type varchar(50) not null',
    'name varchar(255)',
    'position_x real default 0',
    'position_y real default 0',
    "config jsonb default '{}'",
    'enabled boolean default true',
    'created_at timestamptz default now()',
    'primary key (workflow_id, id)',
  ],
  workflow_edges: [
    'id uuid primary key default gen_random_uuid()',
    'workflow_id uuid not null references ai.workflows (id) on delete cascade',
    'source_block_id uuid not null',
    'target_block_id uuid not null',
    "source_handle varchar(50) default 'output'",
    "target_handle varchar(50) default 'input'",
    'condition varchar(255)',
    'created_at timestamptz default now()',
  ],
  workflow_executions: [
    'id uuid primary key default gen_random_uuid()',
    'workflow_id uuid not null references ai.workflows (id) on delete cascade',
    "status varchar(20) default 'pending'",
    'input jsonb',
    'output jsonb',
    'block_outputs jsonb',
    'error text',
    'started_at timestamptz',
    'completed_at timestamptz',
    'created_at timestamptz default now()',
  ],
  workflow_block_logs: [
    'id uuid primary key default gen_random_uuid()',
    'execution_id uuid not null references ai.workflow_executions (id) on delete cascade',
    'block_id uuid',
    'block_type varchar(50)',
    'block_name varchar(255)',
    'status varchar(20)',
    'execution_order int',
    'duration_ms real',
    'input jsonb',
    'output jsonb',
    'error text',
    'config_snapshot jsonb',
    'created_at timestamptz default now()',
  ],
  agents: [
    'id uuid primary key default gen_random_uuid()',
    'name varchar(255) not null',
    'model varchar(255)',
    'system_prompt text',
    "settings jsonb default '{}'",
    'created_at timestamptz default now()',
    'updated_at timestamptz default now()',
  ],
  knowledge_bases: [
    'id uuid primary key default gen_random_uuid()',
    'name varchar(255) not null',
    'description text',
    "indexing_config jsonb default '{}'",
    "retrieval_config jsonb default '{}'",
    'created_at timestamptz default now()',
    'updated_at timestamptz default now()',
  ],
  agent_knowledge_bases: [
    'id uuid primary key default gen_random_uuid()',
    'agent_id uuid not null references ai.agents (id) on delete cascade',
    'knowledge_base_id uuid not null references ai.knowledge_bases (id) on delete cascade',
    "config jsonb default '{}'",
    'unique (agent_id, knowledge_base_id)',
  ],
  agent_tools: [
    'id uuid primary key default gen_random_uuid()',
    'agent_id uuid not null references ai.agents (id) on delete cascade',
    'tool_id uuid',
    'tool_type varchar(50)',
    'tool_name varchar(255)',
    'config_override jsonb',
  ],
  agent_mcp_servers: [
    'id uuid primary key default gen_random_uuid()',
    'agent_id uuid not null references ai.agents (id) on delete cascade',
    'name varchar(255)',
    "transport varchar(50) default 'http'",
    'url text',
    'headers jsonb',
    'config jsonb',
    'enabled boolean default true',
  ],
  sources: [
    'id uuid primary key default gen_random_uuid()',
    'name varchar(255) not null',
    'file_type varchar(50)',
    'storage_path text',
    "extraction_status varchar(50) default 'pending'",
    'derivatives jsonb',
    'metadata jsonb',
    'auto_metadata jsonb',
    'error_message text',
    'content_hash varchar(128)',
    'created_at timestamptz default now()',
    'updated_at timestamptz default now()',
  ],
  indexed_sources: [
    'id uuid primary key default gen_random_uuid()',
    'knowledge_base_id uuid not null references ai.knowledge_bases (id) on delete cascade',
    'source_id uuid not null references ai.sources (id) on delete cascade',
    "index_status varchar(50) default 'pending'",
    'indexed_at timestamptz',
    'stats jsonb',
    'error_message text',
    'indexing_config_snapshot jsonb',
    'attempts int default 0',
    'created_at timestamptz default now()',
  ],
  orchestrations: [
    'id uuid primary key default gen_random_uuid()',
    'name varchar(255) not null',
    'description text',
    "strategy varchar(50) default 'supervisor'",
    "orchestrator_config jsonb default '{}'",
    "settings jsonb default '{}'",
    'created_at timestamptz default now()',
    'updated_at timestamptz default now()',
  ],
  orchestration_entities: [
    'id uuid primary key default gen_random_uuid()',
    'orchestration_id uuid not null references ai.orchestrations (id) on delete cascade',
    'entity_type varchar(50)',
    'entity_ref_id uuid',
    'role_description text',
    "config jsonb default '{}'",
    'position int default 0',
    'created_at timestamptz default now()',
  ],
  project_settings: ['key varchar(255) primary key', 'value text', 'updated_at timestamptz default now()'],
  copilot_sessions: [
    'id uuid primary key default gen_random_uuid()',
    'workflow_id uuid not null references ai.workflows (id) on delete cascade',
    'created_at timestamptz default now()',
    'updated_at timestamptz default now()',
  ],
  copilot_messages: [
    'id uuid primary key default gen_random_uuid()',
    'session_id uuid not null references ai.copilot_sessions (id) on delete cascade',
    'role varchar(20) not null',
    'content text not null',
    'workflow_diff jsonb',
    'pre_snapshot jsonb',
    'created_at timestamptz default now()',
  ],
};
const CONSTRAINT = /^(?:primary key|unique) \(/;
/** A column that every row needs. A table of the same name without such a column is not the platform's. */
const ESSENTIAL = /\b(?:primary key|not null)\b/;

export async function up(knex: Knex): Promise<void> {
  for (const [table, lines] of Object.entries(TABLES)) {
    await knex.raw(`create table if not exists ai.${table} (${lines.join(', ')})`);
    const found = await knex.raw<{ rows: { name: string }[] }>(
      `select a.attname as name from pg_attribute a
       where a.attrelid = to_regclass(?) and a.attnum > 0 and not a.attisdropped`,
      [`ai.${table}`],
    );
    const present = new Set(found.rows.map((row) => row.name));
    for (const line of lines) {
      const column = line.slice(0, line.indexOf(' '));
      if (CONSTRAINT.test(line) || present.has(column)) continue;
      if (ESSENTIAL.test(line)) {
        throw new Error(
          `the table ai.${table} of this database has no column ${column}: it is not the platform's table`,
        );
      }
      // Only for a missing column: even `add column if not exists` takes a lock that waits for every reader.
      await knex.raw(`alter table ai.${table} add column ${line}`);
    }
  }
}

export async function down(): Promise<void> {
  // The tables stay: they may be older than this migration, and their rows belong to the platform.
}
