/**
 * The limits of a graph. Code that reads, checks or changes graphs is built for graphs within the limits. Every entry from
 * outside refuses a larger graph and names the limit. docs/protocol.md lists the limits for clients.
 */

export const MAX_BLOCKS = 1_000;
export const MAX_EDGES = 4_000;
/** Bytes of a graph as JSON text in UTF-8: as much as a request body may have. 1,000 ordinary blocks take 1 to 2 MB. */
export const MAX_GRAPH_BYTES = 8 * 1024 * 1024;
export const MAX_CONFIG_BYTES = 64 * 1024;
export const MAX_CODE_BYTES = 32 * 1024;

/** Work on graphs of at most this much JSON text takes a few milliseconds, so it is not worth a thread. */
export const SMALL_GRAPH_CHARS = 64 * 1024;

/** Characters of an id, name, type or handle of a canvas. The platform's columns are shorter. */
export const MAX_LABEL_CHARS = 1_000;

export interface GraphSize {
  blocks: number;
  edges: number;
  /** Bytes of the JSON text; absent when unknown. */
  bytes?: number;
}

/** Says which limit a graph exceeds, as the end of a sentence whose subject is the graph; null when it exceeds none. */
export function exceededLimit({ blocks, edges, bytes = 0 }: GraphSize): string | null {
  const over = (count: number, limit: number, what: string): string =>
    `has ${count} ${what}; a workflow has at most ${limit}`;
  if (blocks > MAX_BLOCKS) return over(blocks, MAX_BLOCKS, 'blocks');
  if (edges > MAX_EDGES) return over(edges, MAX_EDGES, 'edges');
  if (bytes > MAX_GRAPH_BYTES) return over(bytes, MAX_GRAPH_BYTES, 'bytes of JSON');
  return null;
}
