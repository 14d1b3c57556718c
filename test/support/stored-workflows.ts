/** Stored workflows, messages and canvases for the tests of db/. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { createWorkflow, findWorkflow, type StoredWorkflow } from '../../db/graphs/graphs.ts';
import { replaceGraph } from '../../db/graphs/replace-graph.ts';
import { createSession } from '../../db/sessions/sessions.ts';
import type { SnapshotTarget } from '../../db/sessions/snapshots.ts';
import type { Block, Graph } from '../../domain/graph/graph.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { TESTER } from './test-api.ts';

/** A block of a stored graph. */
export const storedBlock = (id: string, type: string, name: string, config: JsonObject = {}): Block => ({
  id,
  type,
  name,
  position: { x: 1, y: 2 },
  config,
  enabled: true,
});

/** Stores a workflow with this graph. */
export async function newWorkflow(db: Knex, graph: Graph): Promise<StoredWorkflow> {
  const { id } = await createWorkflow(db, { name: 'Flow' });
  return db.transaction(async (trx) => replaceGraph(trx, (await findWorkflow(trx, id, true))!, graph));
}

/** Stores the assistant message of an ended turn, with a diff, in a new session. */
export async function newMessage(db: Knex, workflowId: string, diff: unknown): Promise<SnapshotTarget> {
  const session = (await createSession(db, { workflowId, ownerSub: null }))!;
  const messageId = randomUUID();
  await db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff) values (?, ?, 'assistant', 'done', ?::jsonb)`,
    [messageId, session.id, JSON.stringify(diff)],
  );
  return { sessionId: session.id, workflowId, messageId, by: TESTER };
}

/** A parsed canvas, as applySnapshot takes it. */
export const canvasOf = (graph: Graph) => ({
  graph,
  enabledGiven: new Set<string>(),
  raw: { nodes: [], edges: [] },
});

/** The rows of a statement with `?` bindings. */
export async function queryRows<T>(db: Knex, sql: string, bindings: unknown[] = []): Promise<T[]> {
  return (await db.raw<{ rows: T[] }>(sql, bindings as Knex.RawBinding[])).rows;
}

/** Waits until `count` statements of the database wait for a lock. */
export async function untilBlocked(db: Knex, count: number): Promise<void> {
  for (const until = Date.now() + 10_000; ; ) {
    const [row] = await queryRows<{ n: number }>(
      db,
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (row!.n >= count) return;
    if (Date.now() > until) throw new Error(`${row!.n} of ${count} connections wait for a lock`);
    await delay(5);
  }
}
