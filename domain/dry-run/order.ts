/** The order in which a dry run visits the blocks that the trigger reaches. */
import type { Block, Graph } from '../graph/graph.ts';
import { findBlockType } from '../rules/block-registry.ts';
import type { Reachability } from '../rules/reachability.ts';

export interface Order {
  /** Each block after all blocks above it. */
  order: Block[];
  notTried: { block: string; why: string }[];
}

/** Plans the order. Blocks on a cycle or below one never come. */
export function planOrder({ blocks, edges }: Graph, reachability: Reachability): Order {
  const trigger = blocks.find((block) => findBlockType(block.type)?.trigger);
  const byId = new Map(blocks.toReversed().map((block) => [block.id, block]));
  const isReached = (id: string): boolean =>
    trigger !== undefined && (id === trigger.id || reachability.reaches(trigger.id, id));
  // How many edges into a block come from blocks that are not planned yet.
  const waits = new Map<string, number>();
  for (const id of byId.keys()) {
    if (!isReached(id)) continue;
    for (const { target } of reachability.out(id)) waits.set(target, (waits.get(target) ?? 0) + 1);
  }
  const order = trigger && !waits.has(trigger.id) ? [trigger.id] : [];
  for (const id of order) {
    for (const { target } of reachability.out(id)) {
      const left = waits.get(target)! - 1;
      waits.set(target, left);
      if (left === 0) order.push(target);
    }
  }
  const planned = new Set(order);
  const entered = new Set(edges.map(({ target }) => target));
  const notTried = [...byId.values()].toReversed().flatMap(({ id, name, type }) => {
    if (planned.has(id)) return [];
    if (isReached(id)) return [{ block: name, why: 'it is on a cycle or below one' }];
    if (findBlockType(type)?.trigger) return [{ block: name, why: 'a workflow has one trigger' }];
    return entered.has(id)
      ? [{ block: name, why: 'the trigger does not lead to it' }]
      : [{ block: name, why: 'no edge leads to it; the platform runs it all the same' }];
  });
  return { order: order.map((id) => byId.get(id)!), notTried };
}
