/** A graph that a client sends: its shape, and its limits by name. */
import type { Graph } from '../../domain/graph/graph.ts';
import { exceededLimit, MAX_GRAPH_BYTES } from '../../domain/graph/limits.ts';
import { isLargerThan } from '../../domain/text/utf8-bytes.ts';
import { parseWorkflowState } from '../../domain/graph/workflow-state.ts';
import { HttpError } from '../http/http-error.ts';

export interface Canvas {
  graph: Graph;
  /** Ids of the blocks that say whether they are enabled. */
  enabledGiven: ReadonlySet<string>;
}

/** Parses a body's `{nodes, edges}`. Throws HttpError 400 that names the field and what is wrong, or too much, in it. */
export function parseCanvas(value: unknown, field: string): Canvas {
  const parsed = parseWorkflowState(value);
  if (!parsed.ok) throw new HttpError(400, `${field}: ${parsed.problem}`);
  requireSize(parsed.graph, value, field);
  return parsed;
}

/** Throws HttpError 400 when a graph, or the JSON that it came as, is beyond the limits. */
export function requireSize({ blocks, edges }: Graph, value: unknown, field: string): void {
  const text = JSON.stringify(value);
  const exceeded = exceededLimit({
    blocks: blocks.length,
    edges: edges.length,
    ...(isLargerThan(text, MAX_GRAPH_BYTES) ? { bytes: Buffer.byteLength(text) } : {}),
  });
  if (exceeded !== null) throw new HttpError(400, `${field}: ${exceeded}`);
}
