/** A graph that a client sends: its shape, and its limits by name. */
import { z } from 'zod';
import type { Graph } from '../../domain/graph/graph.ts';
import { exceededLimit, MAX_GRAPH_BYTES } from '../../domain/graph/limits.ts';
import { isLargerThan } from '../../domain/text/utf8-bytes.ts';
import { parseWorkflowState } from '../../domain/graph/workflow-state.ts';

export interface Canvas {
  graph: Graph;
  /** Ids of the blocks that say whether they are enabled. */
  enabledGiven: ReadonlySet<string>;
  /** As it was sent. */
  raw: unknown;
}

/** Reads a body's `{nodes, edges}`; the message names the field and what is wrong, or too much, in it. */
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

/** Which limit a graph, or the JSON that it came as, is beyond; null: none. */
export function sizeProblem({ blocks, edges }: Graph, value: unknown): string | null {
  const text = JSON.stringify(value);
  return exceededLimit({
    blocks: blocks.length,
    edges: edges.length,
    ...(isLargerThan(text, MAX_GRAPH_BYTES) ? { bytes: Buffer.byteLength(text) } : {}),
  });
}
