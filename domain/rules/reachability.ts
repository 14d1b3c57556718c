/** Which blocks lead to which, for all blocks of a graph at once. The graph may have cycles. */
import type { Edge, Graph } from '../graph/graph.ts';

export interface Reachability {
  /** Whether a path of one or more edges leads from one block to another. */
  reaches(from: string, to: string): boolean;
  /** The edges out of a block, without those whose target does not exist. */
  out(id: string): readonly Edge[];
  /** For each source handle of a block, the blocks that its edges reach, including their targets. */
  branches(id: string): readonly BlockSet[];
  /** Whether a block of `others` leads to this block and this block does not lead back to it. */
  isStrictlyBelow(id: string, others: BlockSet): boolean;
  emptySet(): BlockSet;
  /** True when the graph has no cycle of two or more blocks. */
  acyclic: boolean;
}

/** A set of blocks of one graph, with a bit for each block. */
export interface BlockSet {
  has(id: string): boolean;
  add(id: string): void;
  addAll(other: BlockSet): void;
  readonly bits: Int32Array;
}

/**
 * Computes the blocks before and after every block as bit sets, with one pass over the edges for each. For 1,000 blocks and
 * 4,000 edges this takes less than a millisecond. The blocks of a cycle share their sets.
 */
export function computeReachability({ blocks, edges }: Graph): Reachability {
  const index = new Map(blocks.map((block, at) => [block.id, at]));
  const words = (blocks.length + 31) >> 5;
  const out = new Map<string, Edge[]>();
  const next: number[][] = blocks.map(() => []);
  const loops = new Set<number>();
  for (const edge of edges) {
    const source = index.get(edge.source);
    const target = index.get(edge.target);
    if (source === undefined || target === undefined) continue;
    const list = out.get(edge.source);
    if (list) list.push(edge);
    else out.set(edge.source, [edge]);
    if (source === target) loops.add(source);
    else next[source]!.push(target);
  }
  const { of, members } = findComponents(next);
  const above = new Int32Array(words * members.length);
  const below = new Int32Array(words * members.length);
  const join = (into: Int32Array, to: number, from: number): void => {
    for (let word = 0; word < words; word++) into[to * words + word]! |= into[from * words + word]!;
  };
  const put = (into: Int32Array, component: number, at: number): void => {
    into[component * words + (at >> 5)]! |= 1 << (at & 31);
  };
  for (const [component, list] of members.entries()) {
    if (list.length === 1 && !loops.has(list[0]!)) continue;
    for (const at of list) {
      put(above, component, at);
      put(below, component, at);
    }
  }
  // Each component stands before the components that lead to it.
  for (const [component, list] of members.entries()) {
    for (const at of list) {
      for (const child of next[at]!) {
        if (of[child] === component) continue;
        join(below, component, of[child]!);
        put(below, component, child);
      }
    }
  }
  for (let component = members.length - 1; component >= 0; component--) {
    for (const at of members[component]!) {
      for (const child of next[at]!) {
        if (of[child] === component) continue;
        join(above, of[child]!, component);
        put(above, of[child]!, at);
      }
    }
  }
  const rowOf = (from: Int32Array, at: number): Int32Array =>
    from.subarray(of[at]! * words, (of[at]! + 1) * words);
  const createSet = (): BlockSet => {
    const bits = new Int32Array(words);
    return {
      bits,
      has(id) {
        const at = index.get(id);
        return at !== undefined && (bits[at >> 5]! & (1 << (at & 31))) !== 0;
      },
      add(id) {
        const at = index.get(id);
        if (at !== undefined) bits[at >> 5]! |= 1 << (at & 31);
      },
      addAll: (other) => unite(bits, other.bits),
    };
  };
  const branchesOf = new Map<string, BlockSet[]>();
  return {
    reaches(from, to) {
      const a = index.get(from);
      const b = index.get(to);
      if (a === undefined || b === undefined) return false;
      return (above[of[b]! * words + (a >> 5)]! & (1 << (a & 31))) !== 0;
    },
    out: (id) => out.get(id) ?? [],
    branches(id) {
      const before = branchesOf.get(id);
      if (before) return before;
      const byHandle = new Map<string | undefined, BlockSet>();
      for (const { sourceHandle, target } of out.get(id) ?? []) {
        const set = byHandle.get(sourceHandle) ?? createSet();
        byHandle.set(sourceHandle, set);
        set.add(target);
        unite(set.bits, rowOf(below, index.get(target)!));
      }
      const branches = [...byHandle.values()];
      branchesOf.set(id, branches);
      return branches;
    },
    isStrictlyBelow(id, others) {
      const at = index.get(id);
      if (at === undefined) return false;
      const [over, under] = [rowOf(above, at), rowOf(below, at)];
      for (let word = 0; word < words; word++)
        if ((others.bits[word]! & over[word]! & ~under[word]!) !== 0) return true;
      return false;
    },
    emptySet: createSet,
    acyclic: members.length === blocks.length,
  };
}

function unite(into: Int32Array, from: Int32Array): void {
  for (let word = 0; word < into.length; word++) into[word]! |= from[word]!;
}

/**
 * The strongly connected components (Tarjan, without recursion): the component of each node, and the nodes of each
 * component. Each component stands before the components that lead to it.
 */
function findComponents(next: readonly (readonly number[])[]): { of: Int32Array; members: number[][] } {
  const of = new Int32Array(next.length).fill(-1);
  const order = new Int32Array(next.length).fill(-1);
  const low = new Int32Array(next.length);
  const child = new Int32Array(next.length);
  const members: number[][] = [];
  const stack: number[] = [];
  let counter = 0;
  for (const root of next.keys()) {
    if (order[root] !== -1) continue;
    const work = [root];
    while (work.length > 0) {
      const at = work.at(-1)!;
      if (order[at] === -1) {
        order[at] = low[at] = counter++;
        stack.push(at);
      }
      const to = next[at]![child[at]!++];
      if (to !== undefined) {
        if (order[to] === -1) work.push(to);
        else if (of[to] === -1) low[at] = Math.min(low[at]!, order[to]!);
        continue;
      }
      work.pop();
      const parent = work.at(-1);
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[at]!);
      if (low[at] !== order[at]) continue;
      const list = stack.splice(stack.lastIndexOf(at));
      for (const member of list) of[member] = members.length;
      members.push(list);
    }
  }
  return { of, members };
}
