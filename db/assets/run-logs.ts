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

/**
 * One run with at most 500 block logs, in the order of execution; null when the workflow has no such run. `block` is
 * the name or id of the only block to return logs of.
 */
export async function findRun(
  db: Knex,
  workflowId: string,
  executionId: string,
  block: string | null,
): Promise<{
  run: JsonObject;
  input: JsonObject | null;
  output: JsonObject | null;
  logs: JsonObject[];
} | null> {
  const rows = await rowsOf<{
    run: JsonObject;
    input: JsonObject | null;
    output: JsonObject | null;
    logs: JsonObject[];
  }>(
    db,
    `select ${RUN} as run, r.input, r.output,
       (select coalesce(json_agg(l.log), '[]') from (
          select json_build_object('block', b.block_name, 'type', b.block_type, 'block_id', b.block_id,
            'status', b.status, 'order', b.execution_order, 'duration_ms', b.duration_ms, 'error', b.error,
            'input', b.input, 'output', b.output) as log
          from ai.workflow_block_logs b
          where b.execution_id = r.id
            ${block === null ? '' : 'and (lower(b.block_name) = lower(?) or b.block_id::text = lower(?))'}
          order by b.execution_order, b.created_at, b.id limit 500) l) as logs
     from ai.workflow_executions r where r.id = ?::uuid and r.workflow_id = ?`,
    [...(block === null ? [] : [block, block]), executionId, workflowId],
  );
  return rows[0] ?? null;
}
