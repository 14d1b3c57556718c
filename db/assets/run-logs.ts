/** Reads the past runs of a workflow, and the block logs of one run. */
import type { Knex } from 'knex';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { rowsOf } from '../connection/sql-rows.ts';

export const RUN_STATUSES = ['pending', 'running', 'completed', 'failed'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

const RUN = `json_build_object('execution_id', r.id, 'status', r.status, 'started_at', r.started_at,
  'completed_at', r.completed_at,
  'duration_ms', round(extract(epoch from r.completed_at - r.started_at) * 1000)::float8,
  'error', r.error,
  'failing_block', (select l.block_name from ai.workflow_block_logs l
    where l.execution_id = r.id and l.status = 'error' order by l.execution_order, l.id limit 1))`;

/** The runs of a workflow, newest first. */
export async function listRuns(
  db: Knex,
  workflowId: string,
  input: { status: RunStatus | null; limit: number },
): Promise<JsonObject[]> {
  const rows = await rowsOf<{ run: JsonObject }>(
    db,
    `select ${RUN} as run from ai.workflow_executions r
     where r.workflow_id = ? ${input.status === null ? '' : 'and r.status = ?'}
     order by r.created_at desc, r.id limit ?`,
    [workflowId, ...(input.status === null ? [] : [input.status]), input.limit],
  );
  return rows.map((row) => row.run);
}

/** Counts are exact below this number. */
const MAX_COUNTED = 10_000;

/** How many runs of this status a workflow has. `orMore`: the count stopped there. */
export async function countRuns(
  db: Knex,
  workflowId: string,
  status: RunStatus | null,
): Promise<{ total: number; orMore: boolean }> {
  const rows = await rowsOf<{ total: number }>(
    db,
    `select count(*)::int as total from (
       select 1 from ai.workflow_executions
       where workflow_id = ? ${status === null ? '' : 'and status = ?'} limit ${MAX_COUNTED}) r`,
    [workflowId, ...(status === null ? [] : [status])],
  );
  const { total } = rows[0]!;
  return { total, orMore: total === MAX_COUNTED };
}

/** A run with its block logs. */
export interface RunDetails {
  run: JsonObject;
  input: JsonObject | null;
  output: JsonObject | null;
  logs: JsonObject[];
}

/** Columns of RunDetails, with at most 500 block logs in the order of execution. */
const details = (block: string | null): string => `${RUN} as run, r.input, r.output,
  (select coalesce(json_agg(l.log), '[]') from (
     select json_build_object('block', b.block_name, 'type', b.block_type, 'block_id', b.block_id,
       'status', b.status, 'order', b.execution_order, 'duration_ms', b.duration_ms, 'error', b.error,
       'input', b.input, 'output', b.output) as log
     from ai.workflow_block_logs b
     where b.execution_id = r.id
       ${block === null ? '' : 'and (lower(b.block_name) = lower(?) or b.block_id::text = lower(?))'}
     order by b.execution_order, b.created_at, b.id limit 500) l) as logs`;
const bindings = (block: string | null): string[] => (block === null ? [] : [block, block]);

/** The runs of a workflow with their block logs, newest first. `block` is the name or id of the only block to show. */
export async function listRunDetails(
  db: Knex,
  workflowId: string,
  input: { status: RunStatus | null; limit: number; block: string | null },
): Promise<RunDetails[]> {
  const { status, limit, block } = input;
  return rowsOf<RunDetails>(
    db,
    `select ${details(block)} from ai.workflow_executions r
     where r.workflow_id = ? ${status === null ? '' : 'and r.status = ?'}
     order by r.created_at desc, r.id limit ?`,
    [...bindings(block), workflowId, ...(status === null ? [] : [status]), limit],
  );
}

/** One run with its block logs; null when the workflow has no such run. `block` is as for listRunDetails. */
export async function findRun(
  db: Knex,
  workflowId: string,
  executionId: string,
  block: string | null,
): Promise<RunDetails | null> {
  const rows = await rowsOf<RunDetails>(
    db,
    `select ${details(block)} from ai.workflow_executions r where r.id = ?::uuid and r.workflow_id = ?`,
    [...bindings(block), executionId, workflowId],
  );
  return rows[0] ?? null;
}
