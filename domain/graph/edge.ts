import type { Edge } from './graph.ts';

/** Normalizes a handle: null, absent, empty and `output` all mean the plain output and become undefined. */
export function normalHandle(handle: string | null | undefined): string | undefined {
  return handle === null || handle === undefined || handle === '' || handle === 'output' ? undefined : handle;
}

/** Normalizes an edge. The result has no other keys than source, target and sourceHandle. */
export function toEdge(edge: {
  source: string;
  target: string;
  sourceHandle?: string | null | undefined;
}): Edge {
  const sourceHandle = normalHandle(edge.sourceHandle);
  return {
    source: edge.source,
    target: edge.target,
    ...(sourceHandle === undefined ? {} : { sourceHandle }),
  };
}

/** The keys of known edges. The cache is safe because edges are never changed in place. */
const keys = new WeakMap<Edge, string>();

/** A text that is equal for equal edges only, whatever characters their ids hold. */
export function edgeKey(edge: Edge): string {
  let key = keys.get(edge);
  if (key === undefined)
    keys.set(edge, (key = JSON.stringify([edge.source, edge.sourceHandle ?? null, edge.target])));
  return key;
}
