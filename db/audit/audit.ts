/**
 * The audit log: who did what, and when. An entry is written in the transaction of the act, so neither exists without the
 * other. A trigger refuses to change or delete entries.
 */
import type { Knex } from 'knex';
import type { Actor, AuditAction } from '../../contracts/audit.ts';
import { rowsOf } from '../connection/sql-rows.ts';

export interface AuditEntry extends Actor {
  id: string;
  at: Date;
  action: AuditAction;
  /** What the act changed; docs/protocol.md says what it is for each action. */
  target: string;
}

/** Records an act. `trx` is the transaction that makes the change. */
export async function recordAct(
  trx: Knex,
  by: Actor,
  { action, target }: { action: AuditAction; target: string },
): Promise<void> {
  await trx.raw(
    'insert into ai.copilot_audit (actor, role, action, target, request_id) values (?, ?, ?, ?, ?)',
    [by.actor, by.role, action, target, by.requestId] as Knex.RawBinding[],
  );
}

/** A page of entries before the entry `before`, newest first. Null when `before` is no entry. */
export async function listAudit(
  db: Knex,
  { limit, before }: { limit: number; before: string | null },
): Promise<AuditEntry[] | null> {
  // Entries are never deleted, so the cursor still exists when the page is read.
  if (
    before !== null &&
    (await rowsOf(db, 'select 1 from ai.copilot_audit where id = ?', [before])).length === 0
  )
    return null;
  return rowsOf<AuditEntry>(
    db,
    `select id, at, actor, role, action, target, request_id as "requestId" from ai.copilot_audit
     ${before === null ? '' : 'where (at, id) < (select at, id from ai.copilot_audit where id = ?)'}
     order by at desc, id desc limit ?`,
    [...(before === null ? [] : [before]), limit],
  );
}
