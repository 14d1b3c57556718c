/** Plans a revert. A large graph is planned in a thread, because checking its rules takes seconds. */
import type { PlanRevert } from '../../db/sessions/snapshots.ts';
import { DiffConflictError } from '../../domain/graph/apply-diff.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { SMALL_GRAPH_CHARS } from '../../domain/graph/limits.ts';
import { planRevert } from '../../domain/edit/snapshot.ts';
import { isPoolError, type ThreadPool } from '../../runtime/thread-pool.ts';
import { HttpError } from '../http/http-error.ts';

/** JSON texts of Graphs. */
export interface RevertTexts {
  before: string;
  after: string;
  current: string;
}

type Planned = { graph: string } | { conflicts: string[] };

/** The task for a thread. A conflict is returned as a result, because errors lose their class on the way back. */
export function planRevertTexts({ before, after, current }: RevertTexts): Planned {
  try {
    const graph = planRevert({
      before: JSON.parse(before) as Graph,
      after: JSON.parse(after) as Graph,
      current: JSON.parse(current) as Graph,
    });
    return { graph: JSON.stringify(graph) };
  } catch (error: unknown) {
    if (!(error instanceof DiffConflictError)) throw error;
    return { conflicts: error.blocks };
  }
}

/** Creates the planner. It throws DiffConflictError, or HttpError 503 when the task takes too long or the pool is busy. */
export function createRevertPlanner(pool: Pick<ThreadPool, 'run'>): PlanRevert {
  return async ({ before, after, current }) => {
    const texts = { before, after, current: JSON.stringify(current) };
    const bytes = before.length + after.length + texts.current.length;
    let planned: Planned;
    try {
      planned =
        bytes <= SMALL_GRAPH_CHARS
          ? planRevertTexts(texts)
          : await pool.run<Planned>('planRevertTexts', texts, { bytes });
    } catch (error: unknown) {
      if (!isPoolError(error)) throw error;
      const message = 'The workflow is too large to be checked now; nothing was changed. Please try again.';
      throw new HttpError(503, message, {}, { 'Retry-After': '5' }, { cause: error });
    }
    if ('conflicts' in planned) throw new DiffConflictError(planned.conflicts);
    return JSON.parse(planned.graph) as Graph;
  };
}
