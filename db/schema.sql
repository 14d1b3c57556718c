-- Made by db/schema/dump-schema.ts. Columns and constraints are sorted by name.

create table ai.agent_knowledge_bases (
  agent_id uuid not null,
  config jsonb default '{}'::jsonb,
  id uuid not null default gen_random_uuid(),
  knowledge_base_id uuid not null,
  constraint agent_knowledge_bases_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES ai.agents(id) ON DELETE CASCADE,
  constraint agent_knowledge_bases_agent_id_knowledge_base_id_key UNIQUE (agent_id, knowledge_base_id),
  constraint agent_knowledge_bases_knowledge_base_id_fkey FOREIGN KEY (knowledge_base_id) REFERENCES ai.knowledge_bases(id) ON DELETE CASCADE,
  constraint agent_knowledge_bases_pkey PRIMARY KEY (id)
);

create table ai.agent_mcp_servers (
  agent_id uuid not null,
  config jsonb,
  enabled boolean default true,
  headers jsonb,
  id uuid not null default gen_random_uuid(),
  name character varying(255),
  transport character varying(50) default 'http'::character varying,
  url text,
  constraint agent_mcp_servers_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES ai.agents(id) ON DELETE CASCADE,
  constraint agent_mcp_servers_pkey PRIMARY KEY (id)
);

create table ai.agent_tools (
  agent_id uuid not null,
  config_override jsonb,
  id uuid not null default gen_random_uuid(),
  tool_id uuid,
  tool_name character varying(255),
  tool_type character varying(50),
  constraint agent_tools_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES ai.agents(id) ON DELETE CASCADE,
  constraint agent_tools_pkey PRIMARY KEY (id)
);

create table ai.agents (
  created_at timestamp with time zone default now(),
  id uuid not null default gen_random_uuid(),
  model character varying(255),
  name character varying(255) not null,
  settings jsonb default '{}'::jsonb,
  system_prompt text,
  updated_at timestamp with time zone default now(),
  constraint agents_pkey PRIMARY KEY (id)
);

create table ai.copilot_audit (
  action text not null,
  actor text not null,
  at timestamp with time zone not null default clock_timestamp(),
  id uuid not null default gen_random_uuid(),
  request_id text,
  role text,
  target text not null,
  constraint copilot_audit_pkey PRIMARY KEY (id)
);

create table ai.copilot_body_bytes (
  bytes double precision not null,
  counted_at timestamp with time zone not null,
  scope text not null,
  constraint copilot_body_bytes_pkey PRIMARY KEY (scope)
);

create table ai.copilot_chat_starts (
  principal text,
  started_at timestamp with time zone not null default clock_timestamp(),
  turn_id uuid not null,
  constraint copilot_chat_starts_pkey PRIMARY KEY (turn_id)
);

create table ai.copilot_confirmations (
  after jsonb,
  arguments jsonb not null,
  arguments_hash text not null,
  asked_at timestamp with time zone not null default clock_timestamp(),
  asset_id uuid not null,
  before jsonb,
  call_id text not null,
  change jsonb not null,
  decided_at timestamp with time zone,
  decided_by text,
  decided_request_id text,
  decided_role text,
  decision text,
  expires_at timestamp with time zone not null,
  fingerprint text not null,
  reason text,
  result jsonb,
  summary text not null,
  turn_id uuid not null,
  constraint copilot_confirmations_decision_check CHECK ((decision = ANY (ARRAY['approved'::text, 'rejected'::text, 'expired'::text]))),
  constraint copilot_confirmations_pkey PRIMARY KEY (turn_id, call_id),
  constraint copilot_confirmations_turn_id_fkey FOREIGN KEY (turn_id) REFERENCES ai.copilot_turns(id) ON DELETE CASCADE
);

create table ai.copilot_count_changes (
  id bigint not null,
  labels text[] not null,
  name text not null,
  value numeric not null,
  constraint copilot_count_changes_pkey PRIMARY KEY (id)
);

create table ai.copilot_counts (
  labels text[] not null,
  name text not null,
  value numeric not null,
  constraint copilot_counts_pkey PRIMARY KEY (name, labels)
);

create table ai.copilot_messages (
  content text not null,
  created_at timestamp with time zone default now(),
  id uuid not null default gen_random_uuid(),
  pre_snapshot jsonb,
  role character varying(20) not null,
  session_id uuid not null,
  workflow_diff jsonb,
  constraint copilot_messages_pkey PRIMARY KEY (id),
  constraint copilot_messages_session_id_fkey FOREIGN KEY (session_id) REFERENCES ai.copilot_sessions(id) ON DELETE CASCADE
);

create table ai.copilot_migrations (
  batch integer,
  id integer not null default nextval('ai.copilot_migrations_id_seq'::regclass),
  migration_time timestamp with time zone,
  name character varying(255),
  constraint copilot_migrations_pkey PRIMARY KEY (id)
);

create table ai.copilot_migrations_lock (
  index integer not null default nextval('ai.copilot_migrations_lock_index_seq'::regclass),
  is_locked integer,
  constraint copilot_migrations_lock_pkey PRIMARY KEY (index)
);

create table ai.copilot_migrations_v2 (
  batch integer,
  id integer not null default nextval('ai.copilot_migrations_v2_id_seq'::regclass),
  migration_time timestamp with time zone,
  name character varying(255),
  constraint copilot_migrations_v2_pkey PRIMARY KEY (id)
);

create table ai.copilot_migrations_v2_lock (
  index integer not null default nextval('ai.copilot_migrations_v2_lock_index_seq'::regclass),
  is_locked integer,
  constraint copilot_migrations_v2_lock_pkey PRIMARY KEY (index)
);

create table ai.copilot_open_streams (
  expires_at timestamp with time zone not null,
  principal text not null,
  process uuid not null,
  streams integer not null,
  constraint copilot_open_streams_pkey PRIMARY KEY (principal, process)
);

create table ai.copilot_sessions (
  created_at timestamp with time zone default now(),
  id uuid not null default gen_random_uuid(),
  owner_sub text,
  updated_at timestamp with time zone default now(),
  workflow_id uuid not null,
  constraint copilot_sessions_pkey PRIMARY KEY (id),
  constraint copilot_sessions_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES ai.workflows(id) ON DELETE CASCADE
);

create table ai.copilot_snapshots (
  after_graph text,
  applied_at timestamp with time zone not null default clock_timestamp(),
  before_graph text,
  message_id uuid not null,
  response text not null,
  revert_response text,
  reverted_at timestamp with time zone,
  workflow_id uuid not null,
  constraint copilot_snapshots_message_id_fkey FOREIGN KEY (message_id) REFERENCES ai.copilot_messages(id) ON DELETE CASCADE,
  constraint copilot_snapshots_pkey PRIMARY KEY (message_id)
);

create table ai.copilot_temporal (
  namespace text not null,
  namespace_id text not null,
  recorded_at timestamp with time zone not null default now(),
  singleton boolean not null default true,
  constraint copilot_temporal_pkey PRIMARY KEY (singleton),
  constraint copilot_temporal_singleton_check CHECK (singleton)
);

create table ai.copilot_transcript (
  body text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  key text not null,
  "position" integer not null,
  role text not null,
  step integer not null,
  turn_id uuid not null,
  constraint copilot_transcript_pkey PRIMARY KEY (turn_id, key),
  constraint copilot_transcript_role_check CHECK ((role = ANY (ARRAY['assistant'::text, 'tool'::text, 'summary'::text]))),
  constraint copilot_transcript_turn_id_fkey FOREIGN KEY (turn_id) REFERENCES ai.copilot_turns(id) ON DELETE CASCADE
);

create table ai.copilot_turn_claims (
  deaths integer not null default 0,
  epoch integer not null,
  failing_since timestamp with time zone,
  holder uuid,
  idle boolean not null default false,
  key text not null,
  lost_holder uuid,
  model_failures integer not null default 0,
  text_shown boolean not null default false,
  turn_id uuid not null,
  written integer not null default 0,
  constraint copilot_turn_claims_pkey PRIMARY KEY (turn_id, key),
  constraint copilot_turn_claims_turn_id_fkey FOREIGN KEY (turn_id) REFERENCES ai.copilot_turns(id) ON DELETE CASCADE
);

create table ai.copilot_turn_events (
  created_at timestamp with time zone not null default now(),
  event text not null,
  payload text not null,
  seq bigint not null,
  turn_id uuid not null,
  constraint copilot_turn_events_pkey PRIMARY KEY (turn_id, seq),
  constraint copilot_turn_events_turn_id_fkey FOREIGN KEY (turn_id) REFERENCES ai.copilot_turns(id) ON DELETE CASCADE
);

create table ai.copilot_turns (
  base_graph text not null,
  block_aliases jsonb not null default '{}'::jsonb,
  created_at timestamp with time zone not null default clock_timestamp(),
  error_code text,
  fence_seed uuid not null default gen_random_uuid(),
  finished_at timestamp with time zone,
  id uuid not null,
  idempotency_key text,
  last_seq bigint not null default 0,
  message text not null,
  message_id uuid not null,
  model text not null,
  principal text,
  prompt_version text,
  purged_at timestamp with time zone,
  session_id uuid not null,
  shortened_at timestamp with time zone,
  started_at timestamp with time zone,
  status text not null default 'starting'::text,
  steps integer not null default 0,
  stop_reason text,
  user_message_id uuid not null,
  workflow_diff jsonb,
  workflow_id uuid not null,
  working_graph text not null,
  constraint copilot_turns_idempotency_key_key UNIQUE (session_id, idempotency_key),
  constraint copilot_turns_pkey PRIMARY KEY (id),
  constraint copilot_turns_session_id_fkey FOREIGN KEY (session_id) REFERENCES ai.copilot_sessions(id) ON DELETE CASCADE,
  constraint copilot_turns_status_check CHECK ((status = ANY (ARRAY['starting'::text, 'running'::text, 'complete'::text, 'cancelled'::text, 'failed'::text])))
);

create table ai.copilot_usage (
  cached_tokens bigint not null,
  cost_usd numeric,
  created_at timestamp with time zone not null default clock_timestamp(),
  epoch integer not null,
  estimated boolean not null default false,
  id uuid not null default gen_random_uuid(),
  input_tokens bigint not null,
  latency_ms integer,
  model text not null,
  output_tokens bigint not null,
  principal text,
  reasoning_tokens bigint not null,
  result text,
  session_id uuid not null,
  step integer not null,
  turn_id uuid not null,
  constraint copilot_usage_call_key UNIQUE (turn_id, step, epoch),
  constraint copilot_usage_pkey PRIMARY KEY (id)
);

create table ai.indexed_sources (
  attempts integer default 0,
  created_at timestamp with time zone default now(),
  error_message text,
  id uuid not null default gen_random_uuid(),
  index_status character varying(50) default 'pending'::character varying,
  indexed_at timestamp with time zone,
  indexing_config_snapshot jsonb,
  knowledge_base_id uuid not null,
  source_id uuid not null,
  stats jsonb,
  constraint indexed_sources_knowledge_base_id_fkey FOREIGN KEY (knowledge_base_id) REFERENCES ai.knowledge_bases(id) ON DELETE CASCADE,
  constraint indexed_sources_pkey PRIMARY KEY (id),
  constraint indexed_sources_source_id_fkey FOREIGN KEY (source_id) REFERENCES ai.sources(id) ON DELETE CASCADE
);

create table ai.knowledge_bases (
  created_at timestamp with time zone default now(),
  description text,
  id uuid not null default gen_random_uuid(),
  indexing_config jsonb default '{}'::jsonb,
  name character varying(255) not null,
  retrieval_config jsonb default '{}'::jsonb,
  updated_at timestamp with time zone default now(),
  constraint knowledge_bases_pkey PRIMARY KEY (id)
);

create table ai.orchestration_entities (
  config jsonb default '{}'::jsonb,
  created_at timestamp with time zone default now(),
  entity_ref_id uuid,
  entity_type character varying(50),
  id uuid not null default gen_random_uuid(),
  orchestration_id uuid not null,
  "position" integer default 0,
  role_description text,
  constraint orchestration_entities_orchestration_id_fkey FOREIGN KEY (orchestration_id) REFERENCES ai.orchestrations(id) ON DELETE CASCADE,
  constraint orchestration_entities_pkey PRIMARY KEY (id)
);

create table ai.orchestrations (
  created_at timestamp with time zone default now(),
  description text,
  id uuid not null default gen_random_uuid(),
  name character varying(255) not null,
  orchestrator_config jsonb default '{}'::jsonb,
  settings jsonb default '{}'::jsonb,
  strategy character varying(50) default 'supervisor'::character varying,
  updated_at timestamp with time zone default now(),
  constraint orchestrations_pkey PRIMARY KEY (id)
);

create table ai.project_settings (
  key character varying(255) not null,
  updated_at timestamp with time zone default now(),
  value text,
  constraint project_settings_pkey PRIMARY KEY (key)
);

create table ai.sources (
  auto_metadata jsonb,
  content_hash character varying(128),
  created_at timestamp with time zone default now(),
  derivatives jsonb,
  error_message text,
  extraction_status character varying(50) default 'pending'::character varying,
  file_type character varying(50),
  id uuid not null default gen_random_uuid(),
  metadata jsonb,
  name character varying(255) not null,
  storage_path text,
  updated_at timestamp with time zone default now(),
  constraint sources_pkey PRIMARY KEY (id)
);

create table ai.workflow_block_logs (
  block_id uuid,
  block_name character varying(255),
  block_type character varying(50),
  config_snapshot jsonb,
  created_at timestamp with time zone default now(),
  duration_ms real,
  error text,
  execution_id uuid not null,
  execution_order integer,
  id uuid not null default gen_random_uuid(),
  input jsonb,
  output jsonb,
  status character varying(20),
  constraint workflow_block_logs_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES ai.workflow_executions(id) ON DELETE CASCADE,
  constraint workflow_block_logs_pkey PRIMARY KEY (id)
);

create table ai.workflow_blocks (
  config jsonb default '{}'::jsonb,
  created_at timestamp with time zone default now(),
  enabled boolean default true,
  id uuid not null default gen_random_uuid(),
  name character varying(255),
  position_x real default 0,
  position_y real default 0,
  type character varying(50) not null,
  workflow_id uuid not null,
  constraint workflow_blocks_pkey PRIMARY KEY (workflow_id, id),
  constraint workflow_blocks_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES ai.workflows(id) ON DELETE CASCADE
);

create table ai.workflow_edges (
  condition character varying(255),
  created_at timestamp with time zone default now(),
  id uuid not null default gen_random_uuid(),
  source_block_id uuid not null,
  source_handle character varying(50) default 'output'::character varying,
  target_block_id uuid not null,
  target_handle character varying(50) default 'input'::character varying,
  workflow_id uuid not null,
  constraint workflow_edges_pkey PRIMARY KEY (id),
  constraint workflow_edges_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES ai.workflows(id) ON DELETE CASCADE
);

create table ai.workflow_executions (
  block_outputs jsonb,
  completed_at timestamp with time zone,
  created_at timestamp with time zone default now(),
  error text,
  id uuid not null default gen_random_uuid(),
  input jsonb,
  output jsonb,
  started_at timestamp with time zone,
  status character varying(20) default 'pending'::character varying,
  workflow_id uuid not null,
  constraint workflow_executions_pkey PRIMARY KEY (id),
  constraint workflow_executions_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES ai.workflows(id) ON DELETE CASCADE
);

create table ai.workflows (
  color character varying(50),
  created_at timestamp with time zone default now(),
  description text,
  id uuid not null default gen_random_uuid(),
  last_scheduled_at timestamp with time zone,
  name character varying(255) not null,
  schedule_config jsonb,
  schedule_run_count integer default 0,
  state character varying(20) default 'internal'::character varying,
  updated_at timestamp with time zone default now(),
  variables jsonb default '{}'::jsonb,
  version integer default 1,
  webhook_armed_until timestamp with time zone,
  constraint workflows_pkey PRIMARY KEY (id)
);

CREATE INDEX copilot_agent_knowledge_bases_kb_idx ON ai.agent_knowledge_bases USING btree (knowledge_base_id);
CREATE INDEX copilot_agent_mcp_servers_agent_idx ON ai.agent_mcp_servers USING btree (agent_id);
CREATE INDEX copilot_agent_tools_agent_idx ON ai.agent_tools USING btree (agent_id);
CREATE INDEX copilot_agents_model_idx ON ai.agents USING btree (model);
CREATE INDEX copilot_agents_name_idx ON ai.agents USING btree (lower((name)::text), id);
CREATE INDEX copilot_audit_at_idx ON ai.copilot_audit USING btree (at, id);
CREATE INDEX copilot_chat_starts_principal_idx ON ai.copilot_chat_starts USING btree (principal, started_at);
CREATE INDEX copilot_chat_starts_started_idx ON ai.copilot_chat_starts USING btree (started_at);
CREATE INDEX copilot_confirmations_open_idx ON ai.copilot_confirmations USING btree (asked_at) WHERE (decision IS NULL);
CREATE INDEX copilot_confirmations_unheard_idx ON ai.copilot_confirmations USING btree (decided_at) WHERE ((decision IS NOT NULL) AND (result IS NULL));
CREATE INDEX copilot_indexed_sources_owner_idx ON ai.indexed_sources USING btree (knowledge_base_id);
CREATE INDEX copilot_knowledge_bases_name_idx ON ai.knowledge_bases USING btree (lower((name)::text), id);
CREATE INDEX copilot_messages_session_idx ON ai.copilot_messages USING btree (session_id, created_at, id);
CREATE INDEX copilot_orchestration_entities_owner_idx ON ai.orchestration_entities USING btree (orchestration_id);
CREATE INDEX copilot_orchestration_entities_ref_idx ON ai.orchestration_entities USING btree (entity_ref_id);
CREATE INDEX copilot_orchestrations_name_idx ON ai.orchestrations USING btree (lower((name)::text), id);
CREATE INDEX copilot_sessions_workflow_idx ON ai.copilot_sessions USING btree (workflow_id, created_at DESC);
CREATE INDEX copilot_sources_name_idx ON ai.sources USING btree (lower((name)::text), id);
CREATE INDEX copilot_transcript_order_idx ON ai.copilot_transcript USING btree (turn_id, step, "position");
CREATE INDEX copilot_transcript_summary_idx ON ai.copilot_transcript USING btree (turn_id) WHERE (role = 'summary'::text);
CREATE INDEX copilot_turns_message_idx ON ai.copilot_turns USING btree (message_id);
CREATE INDEX copilot_turns_open_idx ON ai.copilot_turns USING btree (session_id) WHERE (status = ANY (ARRAY['starting'::text, 'running'::text]));
CREATE INDEX copilot_turns_principal_idx ON ai.copilot_turns USING btree (principal) WHERE (status = ANY (ARRAY['starting'::text, 'running'::text]));
CREATE INDEX copilot_turns_session_idx ON ai.copilot_turns USING btree (session_id, created_at);
CREATE INDEX copilot_turns_unpurged_idx ON ai.copilot_turns USING btree (finished_at, id) WHERE ((finished_at IS NOT NULL) AND (purged_at IS NULL));
CREATE INDEX copilot_turns_user_message_idx ON ai.copilot_turns USING btree (user_message_id);
CREATE INDEX copilot_usage_created_at_idx ON ai.copilot_usage USING btree (created_at);
CREATE INDEX copilot_usage_principal_idx ON ai.copilot_usage USING btree (principal, created_at);
CREATE INDEX copilot_usage_session_idx ON ai.copilot_usage USING btree (session_id);
CREATE INDEX copilot_workflow_block_logs_execution_idx ON ai.workflow_block_logs USING btree (execution_id, execution_order);
CREATE INDEX copilot_workflow_blocks_agent_idx ON ai.workflow_blocks USING btree (((config ->> 'agent_id'::text))) WHERE ((config ->> 'agent_id'::text) IS NOT NULL);
CREATE INDEX copilot_workflow_edges_workflow_idx ON ai.workflow_edges USING btree (workflow_id);
CREATE INDEX copilot_workflow_executions_newest_idx ON ai.workflow_executions USING btree (workflow_id, created_at DESC, id);
CREATE INDEX copilot_workflow_executions_status_idx ON ai.workflow_executions USING btree (workflow_id, status, created_at DESC, id);
CREATE INDEX copilot_workflows_name_idx ON ai.workflows USING btree (lower((name)::text), id);
CREATE OR REPLACE FUNCTION ai.copilot_count_call()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
    end $function$;
CREATE OR REPLACE FUNCTION ai.copilot_count_decision()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      insert into ai.copilot_count_changes (name, labels, value)
      values ('confirmations', array[new.decision], 1),
        ('confirmation_wait_seconds', array[new.decision],
          greatest(0, extract(epoch from coalesce(new.decided_at, clock_timestamp()) - new.asked_at)));
      return null;
    end $function$;
CREATE OR REPLACE FUNCTION ai.copilot_count_turn()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
    end $function$;
CREATE OR REPLACE FUNCTION ai.copilot_keep_audit()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      raise exception 'entries of the audit log are never changed or deleted' using errcode = '42501';
    end $function$;
CREATE OR REPLACE FUNCTION ai.copilot_note_principal()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      select t.principal into new.principal from ai.copilot_turns t where t.id = new.turn_id;
      return new;
    end $function$;
CREATE OR REPLACE FUNCTION ai.copilot_note_unreported_calls()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
    end $function$;
CREATE TRIGGER copilot_audit_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON ai.copilot_audit FOR EACH STATEMENT EXECUTE FUNCTION ai.copilot_keep_audit();
CREATE TRIGGER copilot_confirmations_decided AFTER UPDATE OF decision ON ai.copilot_confirmations FOR EACH ROW WHEN (((old.decision IS NULL) AND (new.decision IS NOT NULL))) EXECUTE FUNCTION ai.copilot_count_decision();
CREATE TRIGGER copilot_turns_deleted BEFORE DELETE ON ai.copilot_turns FOR EACH ROW WHEN ((old.status = 'running'::text)) EXECUTE FUNCTION ai.copilot_note_unreported_calls();
CREATE TRIGGER copilot_turns_deleted_counted AFTER DELETE ON ai.copilot_turns FOR EACH ROW WHEN ((old.status = 'running'::text)) EXECUTE FUNCTION ai.copilot_count_turn();
CREATE TRIGGER copilot_turns_ended AFTER UPDATE OF status ON ai.copilot_turns FOR EACH ROW WHEN (((old.status = 'running'::text) AND (new.status <> 'running'::text))) EXECUTE FUNCTION ai.copilot_note_unreported_calls();
CREATE TRIGGER copilot_turns_ended_counted AFTER UPDATE OF status ON ai.copilot_turns FOR EACH ROW WHEN (((old.status = 'running'::text) AND (new.status <> 'running'::text))) EXECUTE FUNCTION ai.copilot_count_turn();
CREATE TRIGGER copilot_usage_noted AFTER INSERT ON ai.copilot_usage FOR EACH ROW EXECUTE FUNCTION ai.copilot_count_call();
CREATE TRIGGER copilot_usage_principal BEFORE INSERT ON ai.copilot_usage FOR EACH ROW EXECUTE FUNCTION ai.copilot_note_principal();
CREATE TRIGGER copilot_usage_reported AFTER UPDATE ON ai.copilot_usage FOR EACH ROW WHEN ((old.estimated AND (NOT new.estimated))) EXECUTE FUNCTION ai.copilot_count_call();
