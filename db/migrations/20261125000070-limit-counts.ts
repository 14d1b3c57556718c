/**
 * What the limits of requests count beside turns: starts of the last minute, open streams of each API process, bytes of
 * bodies. The latter two are unlogged: after a crash of the server they begin empty, and APIs write their streams again.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table ai.copilot_chat_starts (
      turn_id uuid primary key,
      principal text,
      started_at timestamptz not null default clock_timestamp()
    );
    create index copilot_chat_starts_principal_idx on ai.copilot_chat_starts (principal, started_at);
    create index copilot_chat_starts_started_idx on ai.copilot_chat_starts (started_at);
    create unlogged table ai.copilot_open_streams (
      principal text not null,
      process uuid not null,
      streams integer not null,
      expires_at timestamptz not null,
      primary key (principal, process)
    );
    create unlogged table ai.copilot_body_bytes (
      scope text primary key,
      bytes double precision not null,
      counted_at timestamptz not null
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table ai.copilot_body_bytes;
    drop table ai.copilot_open_streams;
    drop table ai.copilot_chat_starts;
  `);
}
