/** Records which Temporal namespace runs this database's turns. A namespace keeps its id; its name can be reused. */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';

export interface NamespaceIdentity {
  namespace: string;
  namespaceId: string;
}

/** Returns the recorded namespace. Records `found` when there is none yet. */
export async function recordTemporalIdentity(db: Knex, found: NamespaceIdentity): Promise<NamespaceIdentity> {
  const recorded = await findTemporalIdentity(db);
  if (recorded) return recorded;
  await db.raw(
    'insert into ai.copilot_temporal (namespace, namespace_id) values (?, ?) on conflict do nothing',
    [found.namespace, found.namespaceId],
  );
  // Another process may have inserted its row first.
  return (await findTemporalIdentity(db)) ?? found;
}

/** Replaces the recorded namespace by `found`. */
export async function replaceTemporalIdentity(db: Knex, found: NamespaceIdentity): Promise<void> {
  await db.raw('update ai.copilot_temporal set namespace = ?, namespace_id = ?, recorded_at = now()', [
    found.namespace,
    found.namespaceId,
  ]);
}

async function findTemporalIdentity(db: Knex): Promise<NamespaceIdentity | null> {
  const rows = await rowsOf<{ namespace: string; namespace_id: string }>(
    db,
    'select namespace, namespace_id from ai.copilot_temporal',
  );
  return rows[0] ? { namespace: rows[0].namespace, namespaceId: rows[0].namespace_id } : null;
}
