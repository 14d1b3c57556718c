import type { Knex } from 'knex';
import type { GraphSize } from '../../domain/graph/limits.ts';
import { rowsOf } from '../connection/sql-rows.ts';

/** Measures a workflow's persisted graph without reading it, because the platform may store graphs of any size. */
export async function measureGraph(db: Knex, workflowId: string): Promise<Required<GraphSize>> {
  const [size] = await rowsOf<Required<GraphSize>>(
    db,
    `select
       (select count(*)::int from ai.workflow_blocks where workflow_id = ?) as blocks,
       (select count(*)::int from ai.workflow_edges where workflow_id = ?) as edges,
       (select coalesce(sum(octet_length(config::text) + coalesce(octet_length(name), 0)), 0)::float8
        from ai.workflow_blocks where workflow_id = ?) as bytes`,
    [workflowId, workflowId, workflowId],
  );
  return size!;
}
