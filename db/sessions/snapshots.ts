/** Applies a message's diff to the persisted workflow, and reverts it. Each happens once, in one transaction. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Actor } from '../../contracts/audit.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import type { Json } from '../../domain/text/json-value.ts';
import { planRevert, planSnapshot } from '../../domain/edit/snapshot.ts';
import { recordAct } from '../audit/audit.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { toWorkflowDiff } from './stored-diff.ts';
import {
  findWorkflow,
  graphTooLarge,
  MAX_STORED_GRAPH_BYTES,
  requireShallow,
  type StoredWorkflow,
  toGraph,
} from '../graphs/graphs.ts';
import { replaceGraph } from '../graphs/replace-graph.ts';

export interface SnapshotTarget {
  sessionId: string;
  workflowId: string;
  messageId: string;
  /** Who applies or reverts. */
  by: Actor;
}

interface SnapshotRow {
  before_graph: string | null;
  after_graph: string | null;
  response: string;
  revert_response: string | null;
}

/**
 * Stores the canvas on the message, applies the message's diff to the canvas, and persists the result as the workflow's
 * graph. `present` makes the answer, which is stored; a repeated call returns the stored answer. Returns null when the
 * message is no assistant message of the session, or the workflow does not exist. Throws DiffConflictError.
 */
export async function applySnapshot<Answer>(
  db: Knex,
  target: SnapshotTarget,
  canvas: { graph: Graph; enabledGiven: ReadonlySet<string>; raw: unknown },
  present: (workflow: StoredWorkflow) => Answer,
): Promise<Answer | null> {
  return db.transaction(async (trx) => {
    const workflow = await findWorkflow(trx, target.workflowId, true);
    const message = await findAssistantMessage(trx, target);
    if (!workflow || !message) return null;
    const earlier = await findSnapshot(trx, target.messageId);
    if (earlier) return JSON.parse(earlier.response) as Answer;

    requireShallow(workflow);
    let saved = workflow;
    let without: Graph | null = null;
    const diff = toWorkflowDiff(message.workflow_diff);
    if (diff !== null) {
      const planned = planSnapshot({
        persisted: toGraph(workflow),
        preSnapshot: canvas.graph,
        enabledGiven: canvas.enabledGiven,
        diff,
        newId: randomUUID,
      });
      saved = await replaceGraph(trx, workflow, planned.graph);
      without = withStoredPositions(planned.without, saved);
    }
    await keepCanvas(trx, target.messageId, canvas.raw);
    const response = JSON.stringify(present(saved));
    await trx.raw(
      `insert into ai.copilot_snapshots (message_id, workflow_id, before_graph, after_graph, response)
       values (?, ?, ?, ?, ?)`,
      [
        target.messageId,
        target.workflowId,
        without === null ? null : JSON.stringify(without),
        without === null ? null : JSON.stringify(toGraph(saved)),
        response,
      ],
    );
    await recordAct(trx, target.by, { action: 'message.snapshot', target: target.messageId });
    return JSON.parse(response) as Answer;
  });
}

/** Like planRevert, but the earlier graphs are JSON text. Rejects with DiffConflictError. */
export type PlanRevert = (input: { before: string; after: string; current: Graph }) => Promise<Graph>;

const planHere: PlanRevert = async ({ before, after, current }) =>
  planRevert({ before: JSON.parse(before) as Graph, after: JSON.parse(after) as Graph, current });

/**
 * Undoes a message's diff on the persisted workflow. `found` is false when the message or workflow does not exist,
 * `applied` when there is no applied diff to undo. A repeated call returns the stored answer.
 */
export async function revertSnapshot<Answer>(
  db: Knex,
  target: SnapshotTarget,
  present: (workflow: StoredWorkflow) => Answer,
  plan: PlanRevert = planHere,
): Promise<
  { found: false } | { found: true; applied: false } | { found: true; applied: true; response: Answer }
> {
  return db.transaction(async (trx) => {
    const workflow = await findWorkflow(trx, target.workflowId, true);
    const message = await findAssistantMessage(trx, target);
    if (!workflow || !message) return { found: false };
    const snapshot = await findSnapshot(trx, target.messageId);
    if (!snapshot || snapshot.before_graph === null || snapshot.after_graph === null)
      return { found: true, applied: false };
    if (snapshot.revert_response !== null) {
      return { found: true, applied: true, response: JSON.parse(snapshot.revert_response) as Answer };
    }
    const reverted = await plan({
      before: snapshot.before_graph,
      after: snapshot.after_graph,
      current: toGraph(workflow),
    });
    const response = JSON.stringify(present(await replaceGraph(trx, workflow, reverted)));
    await trx.raw(
      'update ai.copilot_snapshots set revert_response = ?, reverted_at = clock_timestamp() where message_id = ?',
      [response, target.messageId],
    );
    await recordAct(trx, target.by, { action: 'message.revert', target: target.messageId });
    return { found: true, applied: true, response: JSON.parse(response) as Answer };
  });
}

/** Stores the canvas. Throws StoredGraphError when its jsonb text has more bytes than a read may return. */
async function keepCanvas(trx: Knex, messageId: string, canvas: unknown): Promise<void> {
  const [kept] = await rowsOf<{ bytes: number }>(
    trx,
    `update ai.copilot_messages set pre_snapshot = ?::jsonb where id = ?
     returning octet_length(pre_snapshot::text) as bytes`,
    [JSON.stringify(canvas), messageId],
  );
  if (kept && kept.bytes > MAX_STORED_GRAPH_BYTES) throw graphTooLarge();
}

/**
 * Replaces positions by the rounded ones of the database. Otherwise every block would seem moved by the message. A revert
 * would then conflict with the later deletion of a block that the message did not touch.
 */
function withStoredPositions(graph: Graph, stored: StoredWorkflow): Graph {
  const positions = new Map(stored.blocks.map((block) => [block.id, block.position]));
  return {
    ...graph,
    blocks: graph.blocks.map((block) => {
      const kept = positions.get(block.id);
      const same =
        kept !== undefined &&
        Math.fround(kept.x) === Math.fround(block.position.x) &&
        Math.fround(kept.y) === Math.fround(block.position.y);
      return same ? { ...block, position: kept } : block;
    }),
  };
}

/** Finds the message and locks it until the transaction ends, so that a deletion of its session waits. */
async function findAssistantMessage(
  db: Knex,
  target: SnapshotTarget,
): Promise<{ workflow_diff: Json } | null> {
  const rows = await rowsOf<{ workflow_diff: Json }>(
    db,
    `select workflow_diff from ai.copilot_messages where id = ? and session_id = ? and role = 'assistant'
     for no key update`,
    [target.messageId, target.sessionId],
  );
  return rows[0] ?? null;
}

async function findSnapshot(db: Knex, messageId: string): Promise<SnapshotRow | null> {
  const rows = await rowsOf<SnapshotRow>(
    db,
    'select before_graph, after_graph, response, revert_response from ai.copilot_snapshots where message_id = ?',
    [messageId],
  );
  return rows[0] ?? null;
}
