/**
 * How large a workflow may be. Everything that reads, checks or changes a graph is built for graphs within these, and
 * whatever takes a graph from outside refuses a larger one by name. docs/protocol.md tells them to clients.
 */

export const MAX_BLOCKS = 1_000;
export const MAX_EDGES = 4_000;
/** Of a whole graph as JSON text in UTF-8: as much as a body may carry. A thousand ordinary blocks take 1 to 2 MB. */
export const MAX_GRAPH_BYTES = 8 * 1024 * 1024;
export const MAX_CONFIG_BYTES = 64 * 1024;
export const MAX_CODE_BYTES = 32 * 1024;

/** Up to this much JSON text of graphs, work on them takes a few milliseconds, which a thread would not make less. */
export const SMALL_GRAPH_CHARS = 64 * 1024;

/** Of a block's id, name and type and of a handle, as a canvas may have them; the platform's columns are shorter. */
export const MAX_LABEL_CHARS = 1_000;

export interface GraphSize {
  blocks: number;
  edges: number;
  /** Of its JSON text; absent: not known yet. */
  bytes?: number;
}

/** What of a graph is beyond its limit, as the end of a sentence that begins with the graph; null when nothing is. */
export function exceededLimit({ blocks, edges, bytes = 0 }: GraphSize): string | null {
  const over = (count: number, limit: number, what: string): string =>
    `has ${count} ${what}; a workflow has at most ${limit}`;
  if (blocks > MAX_BLOCKS) return over(blocks, MAX_BLOCKS, 'blocks');
  if (edges > MAX_EDGES) return over(edges, MAX_EDGES, 'edges');
  if (bytes > MAX_GRAPH_BYTES) return over(bytes, MAX_GRAPH_BYTES, 'bytes of JSON');
  return null;
}
