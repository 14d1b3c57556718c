import type { Edge, Graph } from '../../../client/src/index.ts';

/** Equal for equal edges: null, absent, empty and `output` all mean the plain output. */
export function edgeKey({ source, target, sourceHandle }: EdgeEnds): string {
  return JSON.stringify([source, plainHandle(sourceHandle) ?? '', target]);
}

export interface EdgeEnds {
  source: string;
  target: string;
  sourceHandle?: string | null;
}

/** The handle's name, or undefined for the plain output. */
export function plainHandle(handle: string | null | undefined): string | undefined {
  return handle === null || handle === undefined || handle === '' || handle === 'output' ? undefined : handle;
}

/** An edge with no key beside the three. */
export function toEdge({ source, target, sourceHandle }: EdgeEnds): Edge {
  const handle = plainHandle(sourceHandle);
  return { source, target, ...(handle === undefined ? {} : { sourceHandle: handle }) };
}

/** A graph as the service answers it, with edges in their plain form. */
export function toGraph({ blocks, edges }: Graph): Graph {
  return { blocks, edges: edges.map(toEdge) };
}
