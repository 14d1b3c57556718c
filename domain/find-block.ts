/** How a reference to a block is looked up: by id, then by unique name, then `Name #n` as the nth block of a name. */
import type { Block } from './graph.ts';

export type FoundBlock = { block: Block } | { error: 'unknown' | 'ambiguous' };

export interface BlockIndex {
  find(ref: string): FoundBlock;
  withId(id: string): Block | undefined;
  /** The blocks whose name or id is this text, without case. */
  claiming(name: string): readonly Block[];
  /** Takes in one more block, behind the others. */
  add(block: Block): void;
}

const NUMBERED = /^(.*\S)\s*#(\d+)$/su;

/** Indexes blocks for look-ups. Names compare without case; ids exactly. */
export function indexBlocks(blocks: readonly Block[]): BlockIndex {
  const byId = new Map<string, Block>();
  const byName = new Map<string, Block[]>();
  const claims = new Map<string, Block[]>();
  const put = (map: Map<string, Block[]>, key: string, block: Block): void => {
    const same = map.get(key);
    if (same) same.push(block);
    else map.set(key, [block]);
  };
  const add = (block: Block): void => {
    if (!byId.has(block.id)) byId.set(block.id, block);
    const name = nameKey(block.name);
    const id = nameKey(block.id);
    put(byName, name, block);
    put(claims, name, block);
    if (id !== name) put(claims, id, block);
  };
  for (const block of blocks) add(block);
  return {
    add,
    withId: (id) => byId.get(id),
    claiming: (name) => claims.get(nameKey(name)) ?? [],
    find(ref) {
      const block = byId.get(ref);
      if (block) return { block };
      const named = byName.get(nameKey(ref));
      if (named) return named.length === 1 ? { block: named[0]! } : { error: 'ambiguous' };
      const numbered = NUMBERED.exec(ref);
      const nth = numbered && byName.get(nameKey(numbered[1]!))?.[Number(numbered[2]) - 1];
      return nth ? { block: nth } : { error: 'unknown' };
    },
  };
}

/** Names are equal when they are so without case and surrounding space. */
export function nameKey(name: string): string {
  return name.trim().toLowerCase();
}
