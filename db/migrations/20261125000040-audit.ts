/**
 * The audit log. A trigger refuses to change or delete its entries. A confirmation also keeps the role and the request of
 * its decision, because the change that was approved is recorded in their name.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table ai.copilot_audit (
      id uuid primary key default gen_random_uuid(),
      at timestamptz not null default clock_timestamp(),
      actor text not null,
      role text,
      action text not null,
      target text not null,
      request_id text
    );
    create index copilot_audit_at_idx on ai.copilot_audit (at, id);
    create function ai.copilot_keep_audit() returns trigger language plpgsql as $$
    begin
      raise exception 'entries of the audit log are never changed or deleted' using errcode = '42501';
    end $$;
    create trigger copilot_audit_kept before update or delete or truncate on ai.copilot_audit
      for each statement execute function ai.copilot_keep_audit();
    alter table ai.copilot_confirmations add column decided_role text, add column decided_request_id text;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table ai.copilot_confirmations drop column decided_role, drop column decided_request_id;
    drop table ai.copilot_audit;
    drop function ai.copilot_keep_audit();
  `);
}
