/** The blocks of a graph during an edit, in order, with an index by id and name. */
import { type BlockIndex, indexBlocks } from './find-block.ts';
import type { Block } from './graph.ts';

export class BlockList {
  readonly index: BlockIndex;
  private readonly slots: (Block | null)[];
  private readonly places: Map<Block, number>;

  constructor(blocks: readonly Block[]) {
    this.slots = [...blocks];
    this.places = new Map(blocks.map((block, at) => [block, at]));
    this.index = indexBlocks(blocks);
  }

  /** The blocks in order. */
  list(): Block[] {
    return this.slots.filter((block) => block !== null);
  }

  /** Appends a block. */
  add(block: Block): void {
    this.places.set(block, this.slots.push(block) - 1);
    this.index.add(block);
  }

  remove(block: Block): void {
    this.slots[this.places.get(block)!] = null;
    this.places.delete(block);
    this.index.remove(block);
  }

  /** Replaces a block and keeps its place in the order. */
  replace(old: Block, block: Block): void {
    const at = this.places.get(old)!;
    this.slots[at] = block;
    this.places.delete(old);
    this.places.set(block, at);
    this.index.replace(old, block);
  }
}
