/** Where edges leave a block: which outputs its type and config give it. */
import type { BlockType, Edge, JsonObject } from '../../../client/src/index.ts';
import { plainHandle } from '../store/edges.ts';

/** The service takes no more of them. */
const MAX_HANDLES = 1_000;
/** A person can't tell more apart on one block; those that an edge uses are shown in any case. */
const SHOWN_HANDLES = 12;

/** The named outputs of a block, as the service counts them; empty for one plain output. */
export function handlesOf(type: string, config: JsonObject): string[] {
  const { branches } = config;
  if (type === 'condition') {
    const count = Array.isArray(branches) ? branches.length : 1;
    const more = Math.max(0, Math.min(count, MAX_HANDLES) - 1);
    return ['if', ...Array.from({ length: more }, (_, index) => `elif_${index + 1}`), 'else'];
  }
  if (type === 'split') {
    const count =
      typeof branches === 'number' && Number.isInteger(branches)
        ? Math.max(0, Math.min(branches, MAX_HANDLES))
        : 2;
    return Array.from({ length: count }, (_, index) => String(index + 1));
  }
  return [];
}

export interface Outputs {
  /** Whether there is one plain output. */
  isPlain: boolean;
  /** The named outputs that the canvas shows. */
  names: readonly string[];
  /** How many more there are. */
  hidden: number;
}

/** What the canvas shows of a block's outputs. `used`: the handles that its edges name, known or not. */
export function outputsOf(
  block: { type: string; config: JsonObject },
  type: BlockType | undefined,
  used: readonly (string | undefined)[],
): Outputs {
  const all = handlesOf(block.type, block.config);
  const shown = all.slice(0, SHOWN_HANDLES);
  const extra = [...new Set(used)].filter(
    (name): name is string => name !== undefined && !shown.includes(name),
  );
  const names = [...shown, ...extra];
  const isPlain = (all.length === 0 && type?.terminal !== true) || used.includes(undefined);
  return { isPlain, names, hidden: Math.max(0, all.length - names.length) };
}

/** The handles that the edges out of each block name. */
export function usedHandles(edges: readonly Edge[]): Map<string, (string | undefined)[]> {
  const used = new Map<string, (string | undefined)[]>();
  for (const { source, sourceHandle } of edges) {
    const list = used.get(source);
    if (list) list.push(plainHandle(sourceHandle));
    else used.set(source, [plainHandle(sourceHandle)]);
  }
  return used;
}
