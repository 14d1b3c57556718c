/** Finds the block that a reference means: by id, then by unique name, then `Name #n` as the nth block of that name. */
import type { Block } from './graph.ts';

export type FoundBlock = { block: Block } | { error: 'unknown' | 'ambiguous' };

export interface BlockIndex {
  find(ref: string): FoundBlock;
  withId(id: string): Block | undefined;
  /** The blocks whose name or id is this text, ignoring case. */
  claiming(name: string): readonly Block[];
  /** The blocks with this name, ignoring case. */
  named(name: string): readonly Block[];
  /** Appends a block. */
  add(block: Block): void;
  remove(block: Block): void;
  /** Replaces a block. It keeps its place in the order unless its id or name changed. */
  replace(old: Block, block: Block): void;
}

const NUMBERED = /^(.*\S)\s*#(\d+)$/su;

/** Indexes blocks. Names are compared without case, ids exactly. */
export function indexBlocks(blocks: readonly Block[]): BlockIndex {
  const byId = new Map<string, Block>();
  const byName = new Map<string, Block[]>();
  const claims = new Map<string, Block[]>();
  const put = (map: Map<string, Block[]>, key: string, block: Block): void => {
    const same = map.get(key);
    if (same) same.push(block);
    else map.set(key, [block]);
  };
  const take = (map: Map<string, Block[]>, key: string, block: Block, next: Block | null): void => {
    const same = map.get(key);
    const at = same?.indexOf(block) ?? -1;
    if (at >= 0) same!.splice(at, 1, ...(next ? [next] : []));
    if (same?.length === 0) map.delete(key);
  };
  const claimsOf = ({ id, name }: Block): Set<string> => new Set([nameKey(name), nameKey(id)]);
  const add = (block: Block): void => {
    if (!byId.has(block.id)) byId.set(block.id, block);
    put(byName, nameKey(block.name), block);
    for (const claim of claimsOf(block)) put(claims, claim, block);
  };
  const remove = (block: Block): void => {
    if (byId.get(block.id) === block) byId.delete(block.id);
    take(byName, nameKey(block.name), block, null);
    for (const claim of claimsOf(block)) take(claims, claim, block, null);
  };
  for (const block of blocks) add(block);
  return {
    add,
    remove,
    replace(old, block) {
      if (old.id !== block.id || old.name !== block.name) {
        remove(old);
        add(block);
        return;
      }
      if (byId.get(old.id) === old) byId.set(old.id, block);
      take(byName, nameKey(old.name), old, block);
      for (const claim of claimsOf(old)) take(claims, claim, old, block);
    },
    named: (name) => byName.get(nameKey(name)) ?? [],
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

/** The key of a name: names are equal when they differ only in case and surrounding space. */
export function nameKey(name: string): string {
  return name.trim().toLowerCase();
}
