import { applyDiff as applyToGraph } from '../../domain/graph/apply-diff.ts';
import { toEdge } from '../../domain/graph/edge.ts';
import type { Block, CanvasEdge, Graph, WorkflowDiff } from './types.ts';

/**
 * The graph after the change that a turn proposes, by the service's own rules; the ids of the diff must be those of the
 * graph. The graph may be a stored one: its edges come out with source, target and sourceHandle only, the handle of a plain
 * edge left away. Unchanged blocks are the same objects. Throws DiffConflictError, whose `blocks` stand in the way.
 */
export function applyDiff(
  graph: { blocks: Block[]; edges: readonly CanvasEdge[] },
  diff: WorkflowDiff,
): Graph {
  return applyToGraph({ blocks: graph.blocks, edges: graph.edges.map(toEdge) }, diff);
}
