/** Which blocks lie above which, for all blocks of a graph at once. Cycles are fine. */
import type { Edge, Graph } from './graph.ts';

export interface Reachability {
  /** Whether an edge or a chain of edges leads from one block to another. */
  reaches(from: string, to: string): boolean;
  /** The edges out of a block, those without ends left out. */
  out(id: string): readonly Edge[];
  /** True when no edge but one from a block to itself closes a circle. */
  acyclic: boolean;
}

/** Computes the ancestors of every block as bit sets: for 500 blocks and 1,000 edges some hundred microseconds. */
export function computeReachability({ blocks, edges }: Graph): Reachability {
  const index = new Map(blocks.map((block, at) => [block.id, at]));
  const words = (blocks.length + 31) >> 5;
  const above = new Int32Array(words * blocks.length);
  const out = new Map<string, Edge[]>();
  const incoming = new Int32Array(blocks.length);
  for (const edge of edges) {
    const target = index.get(edge.target);
    if (target === undefined || !index.has(edge.source)) continue;
    const list = out.get(edge.source);
    if (list) list.push(edge);
    else out.set(edge.source, [edge]);
    incoming[target]! += 1;
  }
  const pass = (from: number, to: number): boolean => {
    let changed = false;
    const source = from * words;
    const target = to * words;
    for (let word = 0; word < words; word++) {
      const bits = above[source + word]! & ~above[target + word]!;
      if (bits === 0) continue;
      above[target + word]! |= bits;
      changed = true;
    }
    const own = target + (from >> 5);
    if ((above[own]! & (1 << (from & 31))) === 0) {
      above[own]! |= 1 << (from & 31);
      changed = true;
    }
    return changed;
  };
  // In topological order one pass is enough; what is left lies on or below a cycle and is repeated until it is still.
  const queue = blocks.flatMap((_, at) => (incoming[at] === 0 ? [at] : []));
  for (const at of queue) {
    for (const edge of out.get(blocks[at]!.id) ?? []) {
      const target = index.get(edge.target)!;
      pass(at, target);
      if (--incoming[target]! === 0) queue.push(target);
    }
  }
  if (queue.length < blocks.length) {
    const work = blocks.map((_, at) => at);
    const waiting = new Set(work);
    for (const at of work) {
      waiting.delete(at);
      for (const edge of out.get(blocks[at]!.id) ?? []) {
        const target = index.get(edge.target)!;
        if (pass(at, target) && !waiting.has(target)) {
          waiting.add(target);
          work.push(target);
        }
      }
    }
  }
  return {
    reaches(from, to) {
      const a = index.get(from);
      const b = index.get(to);
      if (a === undefined || b === undefined) return false;
      return (above[b * words + (a >> 5)]! & (1 << (a & 31))) !== 0;
    },
    out: (id) => out.get(id) ?? [],
    acyclic: queue.length === blocks.length,
  };
}
