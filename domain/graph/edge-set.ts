/** The edges of a graph during an edit, in order, with indexes by their ends. */
import { edgeKey } from './edge.ts';
import type { Edge } from './graph.ts';

interface Item {
  edge: Edge;
  /** Its place in the order. */
  at: number;
}

/** An index, and an edge's key in it. */
type Place = [Map<string, Set<Item>>, string];

/** Keeps duplicate edges, because an existing graph may have them. */
export class EdgeSet {
  private readonly items = new Set<Item>();
  private readonly byKey = new Map<string, Set<Item>>();
  private readonly bySource = new Map<string, Set<Item>>();
  private readonly byTarget = new Map<string, Set<Item>>();
  /** Built on first use, because only the removal of edges needs it. */
  private byPair: Map<string, Set<Item>> | null = null;
  private next = 0;

  constructor(edges: readonly Edge[]) {
    for (const edge of edges) this.add(edge);
  }

  /** The edges in order. */
  list(): Edge[] {
    return [...this.items].map(({ edge }) => edge);
  }

  has(edge: Edge): boolean {
    return this.byKey.has(edgeKey(edge));
  }

  /** Whether an edge has this id as its source, as its target, or as either. */
  hasEnd(id: string, end: 'source' | 'target' | 'either'): boolean {
    return (end !== 'target' && this.bySource.has(id)) || (end !== 'source' && this.byTarget.has(id));
  }

  between(source: string, target: string): Edge[] {
    this.byPair ??= this.indexPairs();
    return [...(this.byPair.get(pairKey(source, target)) ?? [])].map(({ edge }) => edge);
  }

  add(edge: Edge): void {
    const item = { edge, at: this.next++ };
    this.items.add(item);
    for (const [map, key] of this.places(edge)) {
      const set = map.get(key);
      if (set) set.add(item);
      else map.set(key, new Set([item]));
    }
  }

  /** Removes an edge and its duplicates. */
  remove(edge: Edge): void {
    for (const item of this.byKey.get(edgeKey(edge)) ?? []) this.drop(item);
  }

  /** Removes the edges into and out of a block. Returns them in order. */
  removeTouching(id: string): Edge[] {
    const touching = new Set([...(this.bySource.get(id) ?? []), ...(this.byTarget.get(id) ?? [])]);
    const items = [...touching].sort((a, b) => a.at - b.at);
    for (const item of items) this.drop(item);
    return items.map(({ edge }) => edge);
  }

  private drop(item: Item): void {
    this.items.delete(item);
    for (const [map, key] of this.places(item.edge)) {
      const set = map.get(key);
      set?.delete(item);
      if (set?.size === 0) map.delete(key);
    }
  }

  private places(edge: Edge): Place[] {
    return [
      [this.byKey, edgeKey(edge)],
      [this.bySource, edge.source],
      [this.byTarget, edge.target],
      ...(this.byPair ? [[this.byPair, pairKey(edge.source, edge.target)] satisfies Place] : []),
    ];
  }

  private indexPairs(): Map<string, Set<Item>> {
    const pairs = new Map<string, Set<Item>>();
    for (const item of this.items) {
      const key = pairKey(item.edge.source, item.edge.target);
      const set = pairs.get(key);
      if (set) set.add(item);
      else pairs.set(key, new Set([item]));
    }
    return pairs;
  }
}

function pairKey(source: string, target: string): string {
  return JSON.stringify([source, target]);
}
