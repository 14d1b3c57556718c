/** Builds the workflows in which cases begin. */
import type { Block, Edge, Graph, JsonObject } from '../../client/src/index.ts';
import { fixedId } from './ids.ts';

/** A block by type, name, config and place. Rows are 200 px apart, columns 300 px. */
export type BlockFixture = [
  type: string,
  name: string,
  config: JsonObject,
  place: [column: number, row: number],
];

/** An edge between two blocks, by name. */
export type EdgeFixture = [source: string, target: string, handle?: string];

/** A workflow. The ids depend on the name of the workflow and of the block only. */
export function flow(
  name: string,
  blocks: readonly BlockFixture[],
  edges: readonly EdgeFixture[],
  /** Names of blocks that are switched off. */
  disabled: readonly string[] = [],
): Graph {
  const idOf = (block: string): string => fixedId(`${name}/${block}`);
  return {
    blocks: blocks.map(
      ([type, blockName, config, [column, row]]): Block => ({
        id: idOf(blockName),
        type,
        name: blockName,
        position: { x: 300 + column * 300, y: 50 + row * 200 },
        config,
        enabled: !disabled.includes(blockName),
      }),
    ),
    edges: edges.map(
      ([source, target, handle]): Edge => ({
        source: idOf(source),
        target: idOf(target),
        ...(handle === undefined ? {} : { sourceHandle: handle }),
      }),
    ),
  };
}
