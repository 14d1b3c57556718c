/** Reads a graph that a client sends. Messages name the field or the limit that is wrong. */
import { z } from 'zod';
import type { Graph } from '../../domain/graph/graph.ts';
import { exceededLimit, MAX_GRAPH_BYTES } from '../../domain/graph/limits.ts';
import { isLargerThan } from '../../domain/text/utf8-bytes.ts';
import { parseWorkflowState } from '../../domain/graph/workflow-state.ts';

export interface Canvas {
  graph: Graph;
  /** The ids of the blocks that have `enabled`. */
  enabledGiven: ReadonlySet<string>;
  /** The JSON as it was sent. */
  raw: unknown;
}

/** Reads a body's `{nodes, edges}`. The error's message names the field and its fault. */
export function canvasAt(field: string) {
  return z.unknown().transform((raw, ctx): Canvas => {
    if (raw === undefined || raw === null) {
      ctx.addIssue(`${field} is required`);
      return z.NEVER;
    }
    const parsed = parseWorkflowState(raw);
    const problem = parsed.ok ? sizeProblem(parsed.graph, raw) : parsed.problem;
    if (parsed.ok && problem === null) return { graph: parsed.graph, enabledGiven: parsed.enabledGiven, raw };
    ctx.addIssue(`${field}: ${problem}`);
    return z.NEVER;
  });
}

/** The limit that a graph, or the JSON that was sent for it, exceeds; null for none. */
export function sizeProblem({ blocks, edges }: Graph, value: unknown): string | null {
  const text = JSON.stringify(value);
  return exceededLimit({
    blocks: blocks.length,
    edges: edges.length,
    ...(isLargerThan(text, MAX_GRAPH_BYTES) ? { bytes: Buffer.byteLength(text) } : {}),
  });
}
