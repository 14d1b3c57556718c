/**
 * The copilot's tables: turns, claims, the event log, the transcript, confirmations, usage and snapshots. Documents
 * (graphs, messages) that must come back byte for byte are text, not jsonb.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table ai.copilot_turns (
      id uuid constraint copilot_turns_pkey primary key,
      session_id uuid not null
        constraint copilot_turns_session_id_fkey references ai.copilot_sessions (id) on delete cascade,
      workflow_id uuid not null,
      user_message_id uuid not null,
      message_id uuid not null,
      idempotency_key text,
      message text not null,
      model text not null,
      prompt_version text,
      base_graph text not null,
      working_graph text not null,
      block_aliases jsonb not null default '{}',
      status text not null default 'starting'
        constraint copilot_turns_status_check
        check (status in ('starting', 'running', 'complete', 'cancelled', 'failed')),
      stop_reason text,
      error_code text,
      steps int not null default 0,
      workflow_diff jsonb,
      last_seq bigint not null default 0,
      created_at timestamptz not null default clock_timestamp(),
      started_at timestamptz,
      finished_at timestamptz,
      constraint copilot_turns_idempotency_key_key unique (session_id, idempotency_key)
    ) with (fillfactor = 50);
    create index copilot_turns_open_idx on ai.copilot_turns (session_id) where status in ('starting', 'running');
    create index copilot_turns_session_idx on ai.copilot_turns (session_id, created_at);
    create index copilot_turns_message_idx on ai.copilot_turns (message_id);
    create index copilot_turns_user_message_idx on ai.copilot_turns (user_message_id);
    -- Graphs are big and rarely read; the row is updated on every flush, so they must live out of line.
    alter table ai.copilot_turns alter column base_graph set storage external;

    create table ai.copilot_turn_claims (
      turn_id uuid not null
        constraint copilot_turn_claims_turn_id_fkey references ai.copilot_turns (id) on delete cascade,
      key text not null,
      epoch int not null,
      -- Events appended under this epoch: a flush that is repeated after a lost answer skips what is there.
      written int not null default 0,
      text_shown boolean not null default false,
      constraint copilot_turn_claims_pkey primary key (turn_id, key)
    ) with (fillfactor = 50);

    create table ai.copilot_turn_events (
      turn_id uuid not null
        constraint copilot_turn_events_turn_id_fkey references ai.copilot_turns (id) on delete cascade,
      seq bigint not null,
      event text not null,
      payload text not null,
      created_at timestamptz not null default now(),
      constraint copilot_turn_events_pkey primary key (turn_id, seq)
    );

    create table ai.copilot_transcript (
      turn_id uuid not null
        constraint copilot_transcript_turn_id_fkey references ai.copilot_turns (id) on delete cascade,
      key text not null,
      step int not null,
      position int not null,
      role text not null constraint copilot_transcript_role_check check (role in ('assistant', 'tool')),
      body text not null,
      created_at timestamptz not null default clock_timestamp(),
      constraint copilot_transcript_pkey primary key (turn_id, key)
    );
    create index copilot_transcript_order_idx on ai.copilot_transcript (turn_id, step, position);

    create table ai.copilot_confirmations (
      turn_id uuid not null
        constraint copilot_confirmations_turn_id_fkey references ai.copilot_turns (id) on delete cascade,
      call_id text not null,
      arguments jsonb not null,
      arguments_hash text not null,
      summary text not null,
      before jsonb,
      after jsonb,
      asked_at timestamptz not null default clock_timestamp(),
      expires_at timestamptz not null,
      decision text
        constraint copilot_confirmations_decision_check check (decision in ('approved', 'rejected', 'expired')),
      reason text,
      decided_by text,
      decided_at timestamptz,
      result jsonb,
      constraint copilot_confirmations_pkey primary key (turn_id, call_id)
    );

    -- Usage outlives the session it came from: it is the platform's bill.
    create table ai.copilot_usage (
      id uuid constraint copilot_usage_pkey primary key default gen_random_uuid(),
      turn_id uuid not null,
      session_id uuid not null,
      step int not null,
      epoch int not null,
      model text not null,
      input_tokens bigint not null,
      cached_tokens bigint not null,
      output_tokens bigint not null,
      reasoning_tokens bigint not null,
      cost_usd numeric,
      estimated boolean not null default false,
      latency_ms int,
      created_at timestamptz not null default clock_timestamp(),
      constraint copilot_usage_call_key unique (turn_id, step, epoch)
    );
    create index copilot_usage_created_at_idx on ai.copilot_usage (created_at);

    -- What a snapshot did to the persisted workflow, so that a repeat answers the same and a revert can undo it.
    create table ai.copilot_snapshots (
      message_id uuid constraint copilot_snapshots_pkey primary key
        constraint copilot_snapshots_message_id_fkey references ai.copilot_messages (id) on delete cascade,
      workflow_id uuid not null,
      before_graph text,
      after_graph text,
      response text not null,
      revert_response text,
      applied_at timestamptz not null default clock_timestamp(),
      reverted_at timestamptz
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table ai.copilot_snapshots;
    drop table ai.copilot_usage;
    drop table ai.copilot_confirmations;
    drop table ai.copilot_transcript;
    drop table ai.copilot_turn_events;
    drop table ai.copilot_turn_claims;
    drop table ai.copilot_turns;
  `);
}
