/** The customer's workflows: their rows and their persisted graphs. */
import type { Knex } from 'knex';
import { findBlockType } from '../domain/block-registry.ts';
import type { Block, Edge, Graph, JsonObject } from '../domain/graph.ts';
import { toEdge } from '../domain/edge.ts';
import { rowsOf } from './sql-rows.ts';

export interface WorkflowSummary {
  id: string;
  name: string;
  description: string | null;
  version: number;
  state: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface StoredEdge {
  id: string;
  source: string;
  target: string;
  /** `output` on a plain edge. */
  sourceHandle: string;
  targetHandle: string;
  /** The handle again, on edges out of a condition; null on all others, or the engine would skip their target. */
  condition: string | null;
}

export interface StoredWorkflow extends WorkflowSummary {
  blocks: Block[];
  edges: StoredEdge[];
}

interface SummaryRow {
  id: string;
  name: string;
  description: string | null;
  version: number;
  state: string | null;
  created_at: Date;
  updated_at: Date;
}

const SUMMARY_COLUMNS =
  'id, name, description, coalesce(version, 1) as version, state, created_at, updated_at';

function toSummary(row: SummaryRow): WorkflowSummary {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    version: row.version,
    state: row.state,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** A page of workflows, newest first, and how many there are. */
export async function listWorkflows(
  db: Knex,
  page: { limit: number; offset: number },
): Promise<{ workflows: WorkflowSummary[]; total: number }> {
  const rows = await rowsOf<SummaryRow>(
    db,
    `select ${SUMMARY_COLUMNS} from ai.workflows order by created_at desc, id limit ? offset ?`,
    [page.limit, page.offset],
  );
  const count = await rowsOf<{ total: number }>(db, 'select count(*)::int as total from ai.workflows');
  return { workflows: rows.map(toSummary), total: count[0]!.total };
}

/** Creates an empty workflow. */
export async function createWorkflow(db: Knex, input: { name: string }): Promise<WorkflowSummary> {
  const rows = await rowsOf<SummaryRow>(
    db,
    `insert into ai.workflows (id, name) values (gen_random_uuid(), ?) returning ${SUMMARY_COLUMNS}`,
    [input.name],
  );
  return toSummary(rows[0]!);
}

/** True when the workflow exists. */
export async function workflowExists(db: Knex, id: string): Promise<boolean> {
  return (await rowsOf(db, 'select 1 from ai.workflows where id = ?', [id])).length > 0;
}

/** A workflow with its graph as it is stored, or null. `lock` holds its row until the transaction ends. */
export async function findWorkflow(db: Knex, id: string, lock = false): Promise<StoredWorkflow | null> {
  const rows = await rowsOf<SummaryRow>(
    db,
    `select ${SUMMARY_COLUMNS} from ai.workflows where id = ? ${lock ? 'for update' : ''}`,
    [id],
  );
  if (!rows[0]) return null;
  // created_at keeps the order in which blocks came; blocks of one save share it and keep the order of their insert.
  const blocks = await rowsOf<{
    id: string;
    type: string;
    name: string | null;
    position_x: number | null;
    position_y: number | null;
    config: JsonObject | null;
    enabled: boolean | null;
  }>(
    db,
    `select id, type, name, position_x, position_y, config, enabled from ai.workflow_blocks
     where workflow_id = ? order by created_at, ctid`,
    [id],
  );
  const edges = await rowsOf<{
    id: string;
    source_block_id: string;
    target_block_id: string;
    source_handle: string | null;
    target_handle: string | null;
    condition: string | null;
  }>(
    db,
    `select id, source_block_id, target_block_id, source_handle, target_handle, condition from ai.workflow_edges
     where workflow_id = ? order by created_at, ctid`,
    [id],
  );
  return {
    ...toSummary(rows[0]),
    blocks: blocks.map((row) => ({
      id: row.id,
      type: row.type,
      name: row.name ?? row.id,
      position: { x: row.position_x ?? 0, y: row.position_y ?? 0 },
      config: row.config ?? {},
      enabled: row.enabled ?? true,
    })),
    edges: edges.map((row) => ({
      id: row.id,
      source: row.source_block_id,
      target: row.target_block_id,
      sourceHandle: row.source_handle ?? 'output',
      targetHandle: row.target_handle ?? 'input',
      condition: row.condition,
    })),
  };
}

/** The stored workflow as the domain's graph. */
export function toGraph(workflow: Pick<StoredWorkflow, 'blocks' | 'edges'>): Graph {
  return { blocks: workflow.blocks, edges: workflow.edges.map(toEdge) };
}

/**
 * Replaces a workflow's graph and counts its version up. Rows that stay the same keep their id and created_at. To be
 * called in a transaction that holds the workflow's row (findWorkflow with `lock`).
 */
export async function replaceGraph(
  trx: Knex,
  workflow: StoredWorkflow,
  graph: Graph,
): Promise<StoredWorkflow> {
  const keep = graph.blocks.map((block) => block.id);
  await trx.raw('delete from ai.workflow_blocks where workflow_id = ? and id <> all(?::uuid[])', [
    workflow.id,
    keep,
  ]);
  for (const block of graph.blocks) {
    await trx.raw(
      `insert into ai.workflow_blocks as b (id, workflow_id, type, name, position_x, position_y, config, enabled, created_at)
       values (?, ?, ?, ?, ?, ?, ?::jsonb, ?, clock_timestamp())
       on conflict (workflow_id, id) do update set type = excluded.type, name = excluded.name,
         position_x = excluded.position_x, position_y = excluded.position_y, config = excluded.config,
         enabled = excluded.enabled`,
      [
        block.id,
        workflow.id,
        block.type,
        block.name,
        block.position.x,
        block.position.y,
        JSON.stringify(block.config),
        block.enabled,
      ],
    );
  }
  const types = new Map(graph.blocks.map((block) => [block.id, block.type]));
  const stored = new Map(workflow.edges.map((edge) => [storedKey(toEdge(edge)), edge]));
  const wanted = new Set(graph.edges.map(storedKey));
  const gone = workflow.edges.filter((edge) => !wanted.has(storedKey(toEdge(edge)))).map((edge) => edge.id);
  await trx.raw('delete from ai.workflow_edges where workflow_id = ? and id = any(?::uuid[])', [
    workflow.id,
    gone,
  ]);
  for (const edge of graph.edges) {
    if (stored.has(storedKey(edge))) continue;
    await trx.raw(
      `insert into ai.workflow_edges
         (id, workflow_id, source_block_id, target_block_id, source_handle, target_handle, condition, created_at)
       values (gen_random_uuid(), ?, ?, ?, ?, 'input', ?, clock_timestamp())`,
      [
        workflow.id,
        edge.source,
        edge.target,
        edge.sourceHandle ?? 'output',
        isCondition(types.get(edge.source)) ? (edge.sourceHandle ?? null) : null,
      ],
    );
  }
  await trx.raw(
    'update ai.workflows set version = coalesce(version, 1) + 1, updated_at = clock_timestamp() where id = ?',
    [workflow.id],
  );
  return (await findWorkflow(trx, workflow.id))!;
}

function storedKey(edge: Edge): string {
  return JSON.stringify([edge.source, edge.target, edge.sourceHandle ?? null]);
}

/** Only a condition's edges carry a route condition: the handle names of a condition are if, elif_n and else. */
function isCondition(type: string | undefined): boolean {
  return (
    findBlockType(type ?? '')
      ?.handles({})
      .includes('else') ?? false
  );
}
