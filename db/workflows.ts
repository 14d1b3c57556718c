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

// The platform's own rows may have no version and no times.
const SUMMARY_COLUMNS = `id, name, description, coalesce(version, 1) as version, state,
  coalesce(created_at, 'epoch') as created_at, coalesce(updated_at, created_at, 'epoch') as updated_at`;

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
    `select ${SUMMARY_COLUMNS} from ai.workflows order by ai.workflows.created_at desc nulls last, id limit ? offset ?`,
    [page.limit, page.offset],
  );
  const count = await rowsOf<{ total: number }>(db, 'select count(*)::int as total from ai.workflows');
  return { workflows: rows.map(toSummary), total: count[0]!.total };
}

/** Creates an empty workflow. */
export async function createWorkflow(db: Knex, input: { name: string }): Promise<WorkflowSummary> {
  const rows = await rowsOf<SummaryRow>(
    db,
    `insert into ai.workflows (id, name, version, created_at, updated_at)
     values (gen_random_uuid(), ?, 1, clock_timestamp(), clock_timestamp()) returning ${SUMMARY_COLUMNS}`,
    [input.name],
  );
  return toSummary(rows[0]!);
}

/** True when the workflow exists. */
export async function workflowExists(db: Knex, id: string): Promise<boolean> {
  return (await rowsOf(db, 'select 1 from ai.workflows where id = ?', [id])).length > 0;
}

interface StoredRow extends SummaryRow {
  blocks: {
    id: string;
    type: string;
    name: string | null;
    x: number | null;
    y: number | null;
    config: JsonObject | null;
    enabled: boolean | null;
  }[];
  edges: {
    id: string;
    source: string;
    target: string;
    sourceHandle: string | null;
    targetHandle: string | null;
    condition: string | null;
  }[];
}

/** A workflow with its graph as it is stored, or null. `lock` holds its row until the transaction ends. */
export async function findWorkflow(db: Knex, id: string, lock = false): Promise<StoredWorkflow | null> {
  // Locked first and read after: a statement that waits for the lock would see the graph as it was before the wait.
  if (lock) await db.raw('select 1 from ai.workflows where id = ? for update', [id]);
  // One statement, so that blocks and edges are of one version.
  // created_at keeps the order in which blocks came; blocks of one save share it and keep the order of their insert.
  const rows = await rowsOf<StoredRow>(
    db,
    `select ${SUMMARY_COLUMNS},
       (
         select coalesce(json_agg(json_build_object('id', b.id, 'type', b.type, 'name', b.name, 'x', b.position_x,
           'y', b.position_y, 'config', b.config, 'enabled', b.enabled) order by b.created_at, b.ctid), '[]')
         from ai.workflow_blocks b where b.workflow_id = w.id
       ) as blocks,
       (
         select coalesce(json_agg(json_build_object('id', e.id, 'source', e.source_block_id, 'target', e.target_block_id,
           'sourceHandle', e.source_handle, 'targetHandle', e.target_handle, 'condition', e.condition)
           order by e.created_at, e.ctid), '[]')
         from ai.workflow_edges e where e.workflow_id = w.id
       ) as edges
     from ai.workflows w where w.id = ?`,
    [id],
  );
  const [row] = rows;
  if (!row) return null;
  return {
    ...toSummary(row),
    blocks: row.blocks.map((block) => ({
      id: block.id,
      type: block.type,
      name: block.name ?? block.id,
      position: { x: block.x ?? 0, y: block.y ?? 0 },
      config: block.config ?? {},
      enabled: block.enabled ?? true,
    })),
    edges: row.edges.map((edge) => ({
      ...edge,
      sourceHandle: edge.sourceHandle ?? 'output',
      targetHandle: edge.targetHandle ?? 'input',
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
  const { blocks } = graph;
  await trx.raw('delete from ai.workflow_blocks where workflow_id = ? and id <> all(?::uuid[])', [
    workflow.id,
    blocks.map((block) => block.id),
  ]);
  await trx.raw(
    `insert into ai.workflow_blocks as b
       (id, workflow_id, type, name, position_x, position_y, config, enabled, created_at)
     select g.id, ?, g.type, g.name, g.x, g.y, g.config::jsonb, g.enabled, clock_timestamp()
     from unnest(?::uuid[], ?::text[], ?::text[], ?::real[], ?::real[], ?::text[], ?::boolean[])
       with ordinality as g (id, type, name, x, y, config, enabled, n)
     order by g.n
     on conflict (workflow_id, id) do update set type = excluded.type, name = excluded.name,
       position_x = excluded.position_x, position_y = excluded.position_y, config = excluded.config,
       enabled = excluded.enabled`,
    [
      workflow.id,
      blocks.map((block) => block.id),
      blocks.map((block) => block.type),
      blocks.map((block) => block.name),
      // Rounded here: Postgres refuses a number that is too small for a real instead of taking it for 0.
      blocks.map((block) => Math.fround(block.position.x)),
      blocks.map((block) => Math.fround(block.position.y)),
      blocks.map((block) => JSON.stringify(block.config)),
      blocks.map((block) => block.enabled),
    ],
  );
  const types = new Map(graph.blocks.map((block) => [block.id, block.type]));
  const stored = new Map(workflow.edges.map((edge) => [storedKey(toEdge(edge)), edge]));
  const wanted = new Set(graph.edges.map(storedKey));
  const gone = workflow.edges.filter((edge) => !wanted.has(storedKey(toEdge(edge)))).map((edge) => edge.id);
  await trx.raw('delete from ai.workflow_edges where workflow_id = ? and id = any(?::uuid[])', [
    workflow.id,
    gone,
  ]);
  const added = graph.edges.filter((edge) => !stored.has(storedKey(edge)));
  await trx.raw(
    `insert into ai.workflow_edges
       (id, workflow_id, source_block_id, target_block_id, source_handle, target_handle, condition, created_at)
     select gen_random_uuid(), ?, g.source, g.target, g.handle, 'input', nullif(g.condition, ''), clock_timestamp()
     from unnest(?::uuid[], ?::uuid[], ?::text[], ?::text[]) with ordinality as g (source, target, handle, condition, n)
     order by g.n`,
    [
      workflow.id,
      added.map((edge) => edge.source),
      added.map((edge) => edge.target),
      added.map((edge) => edge.sourceHandle ?? 'output'),
      added.map((edge) => (isCondition(types.get(edge.source)) ? (edge.sourceHandle ?? '') : '')),
    ],
  );
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
