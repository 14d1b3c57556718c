import type { Edge } from './graph.ts';

/** A handle in its normal form: null, absent, empty and `output` all mean the plain output. */
export function normalHandle(handle: string | null | undefined): string | undefined {
  return handle === null || handle === undefined || handle === '' || handle === 'output' ? undefined : handle;
}

/** An edge in its normal form, with no key beside the three. */
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

/** Edges are never changed in place. */
const keys = new WeakMap<Edge, string>();

/** Equal for equal edges only, whatever characters the ids hold. */
export function edgeKey(edge: Edge): string {
  let key = keys.get(edge);
  if (key === undefined)
    keys.set(edge, (key = JSON.stringify([edge.source, edge.sourceHandle ?? null, edge.target])));
  return key;
}
