/** Reads the customer's workflows: their rows and their persisted graphs. */
import type { Knex } from 'knex';
import type { Block, Graph } from '../../domain/graph/graph.ts';
import { toEdge } from '../../domain/graph/edge.ts';
import { isDeeperThan } from '../../domain/text/json.ts';
import { sqlStateOf } from '../connection/pg-errors.ts';
import { readableTime, rowsOf } from '../connection/sql-rows.ts';

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
  /** Repeats the source handle on edges out of a condition block. Null on all others: the engine skips their target. */
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

// Rows that the platform wrote may lack a version and times, and may have a description of any length.
const SUMMARY_COLUMNS = `id, name, left(description, 2000) as description, coalesce(version, 1) as version, state,
  ${readableTime('created_at')} as created_at, ${readableTime('coalesce(updated_at, created_at)')} as updated_at`;

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

/** A page of workflows, newest first, and the number of all workflows. */
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

/** The largest graph that is stored or read: bytes of its JSON text. Twice what a request may carry. */
export const MAX_STORED_GRAPH_BYTES = 16 * 1024 * 1024;
/** How deep a config may nest: as deep as a request may. */
const MAX_CONFIG_DEPTH = 64;

/** Thrown when a stored graph is, or would become, too large or too deep. The message says what a person must change. */
export class StoredGraphError extends Error {
  readonly code: 'GRAPH_TOO_LARGE' | 'GRAPH_TOO_DEEP' | 'GRAPH_BEYOND_LIMITS';

  constructor(code: StoredGraphError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoredGraphError';
    this.code = code;
  }
}

interface StoredRow extends SummaryRow {
  /** JSON text; null when the graph is too large. */
  blocks: string | null;
  edges: string | null;
}

/** A workflow with its graph as JSON text: an array of Block and an array of StoredEdge. */
export interface WorkflowText extends WorkflowSummary {
  blocks: string;
  edges: string;
}

/**
 * A workflow with its graph as text, or null. The graph is not parsed, so a config may nest to any depth. Throws
 * StoredGraphError when the graph has more than MAX_STORED_GRAPH_BYTES.
 */
export async function findWorkflowText(db: Knex, id: string): Promise<WorkflowText | null> {
  const [row] = await selectGraph(db, id);
  if (!row) return null;
  const { blocks, edges } = row;
  if (blocks === null || edges === null) throw graphTooLarge();
  return { ...toSummary(row), blocks, edges };
}

async function selectGraph(db: Knex, id: string): Promise<StoredRow[]> {
  try {
    // One statement, so that blocks and edges are of one version. A graph that is too large is not sent.
    // Blocks come in the order of created_at. Blocks of one save share it; ctid is the order of their insert.
    return await rowsOf<StoredRow>(
      db,
      `with graph as materialized (
         select (
           select coalesce(json_agg(json_build_object('id', b.id, 'type', b.type, 'name', coalesce(b.name, b.id::text),
             'position', json_build_object('x', ${finite('b.position_x')}, 'y', ${finite('b.position_y')}),
             'config', case when jsonb_typeof(b.config) <> 'null' then b.config else '{}' end,
             'enabled', coalesce(b.enabled, true)) order by b.created_at, b.ctid), '[]')::text
           from ai.workflow_blocks b where b.workflow_id = :id
         ) as blocks,
         (
           select coalesce(json_agg(json_build_object('id', e.id, 'source', e.source_block_id, 'target', e.target_block_id,
             'sourceHandle', coalesce(e.source_handle, 'output'), 'targetHandle', coalesce(e.target_handle, 'input'),
             'condition', e.condition) order by e.created_at, e.ctid), '[]')::text
           from ai.workflow_edges e where e.workflow_id = :id
         ) as edges
       )
       select ${SUMMARY_COLUMNS},
         case when octet_length(g.blocks) + octet_length(g.edges) <= :bytes then g.blocks end as blocks,
         case when octet_length(g.blocks) + octet_length(g.edges) <= :bytes then g.edges end as edges
       from ai.workflows w cross join graph g where w.id = :id`,
      { id, bytes: MAX_STORED_GRAPH_BYTES },
    );
  } catch (error: unknown) {
    // Class 54: program limit exceeded. The text is too large for Postgres to build.
    if (sqlStateOf(error)?.startsWith('54')) throw graphTooLarge(error);
    throw error;
  }
}

/** The error for a graph or canvas beyond MAX_STORED_GRAPH_BYTES. */
export function graphTooLarge(cause?: unknown): StoredGraphError {
  return new StoredGraphError(
    'GRAPH_TOO_LARGE',
    `The graph would be larger than ${MAX_STORED_GRAPH_BYTES} bytes (16 MB): make its configs smaller`,
    { cause },
  );
}

/** SQL for a real as a JSON number: JSON has no NaN and no infinity, which become 0. */
function finite(column: string): string {
  return `case when ${column} > '-Infinity' and ${column} < 'Infinity' then ${column} else 0 end`;
}

/**
 * A workflow with its graph, or null. With `lock`, its row stays locked until the transaction ends. Throws
 * StoredGraphError when the graph has more than MAX_STORED_GRAPH_BYTES.
 */
export async function findWorkflow(db: Knex, id: string, lock = false): Promise<StoredWorkflow | null> {
  // Two statements: one that locks and reads would return the graph as it was before it waited for the lock.
  if (lock) await db.raw('select 1 from ai.workflows where id = ? for update', [id]);
  const text = await findWorkflowText(db, id);
  return (
    text && {
      ...text,
      blocks: JSON.parse(text.blocks) as Block[],
      edges: JSON.parse(text.edges) as StoredEdge[],
    }
  );
}

/**
 * Checks that recursive functions can walk every config. The platform stores configs of any depth, and a recursive
 * function would end in a RangeError. Throws StoredGraphError, which names the block.
 */
export function requireShallow(workflow: Pick<StoredWorkflow, 'blocks'>): void {
  const deep = workflow.blocks.find((block) => isDeeperThan(block.config, MAX_CONFIG_DEPTH));
  if (!deep) return;
  throw new StoredGraphError(
    'GRAPH_TOO_DEEP',
    `The config of the block ${deep.name} is nested deeper than ${MAX_CONFIG_DEPTH} levels: change it first`,
  );
}

/** The stored workflow as the domain's graph. Throws StoredGraphError for a config that nests too deep. */
export function toGraph(workflow: Pick<StoredWorkflow, 'blocks' | 'edges'>): Graph {
  requireShallow(workflow);
  return { blocks: workflow.blocks, edges: workflow.edges.map(toEdge) };
}
