/**
 * Places new blocks: from top to bottom, 200 px a row, branches side by side, the first block at (300, 50). Existing blocks
 * are not moved. A new block overlaps no other block.
 */
import type { Block, Edge, Position } from './graph.ts';
import { MAX_COORDINATE } from './workflow-state.ts';

const FIRST: Position = { x: 300, y: 50 };
const ROW = 200;
const COLUMN = 300;
const BLOCK_WIDTH = 250;
const BLOCK_HEIGHT = 120;
const AROUND = [-1, 0, 1];

/** Computes positions for the blocks of `newIds`. Their present positions are ignored. */
export function layOut(
  blocks: readonly Block[],
  edges: readonly Edge[],
  newIds: ReadonlySet<string>,
): Map<string, Position> {
  const placed = new Map<string, Position>();
  // Positions by rows of one block's height. A block can only overlap blocks of its own row and of the two next to it.
  const rows = new Map<number, Position[]>();
  let lowest = -Infinity;
  const settle = (id: string, position: Position): void => {
    placed.set(id, position);
    lowest = Math.max(lowest, position.y);
    const row = rowOf(position);
    const line = rows.get(row);
    if (line) line.push(position);
    else rows.set(row, [position]);
  };
  const inTheWay = ({ y }: Position): number[] =>
    AROUND.flatMap((down) => rows.get(rowOf({ y }) + down) ?? []).flatMap((other) =>
      Math.abs(other.y - y) < BLOCK_HEIGHT ? [other.x] : [],
    );
  for (const block of blocks) if (!newIds.has(block.id)) settle(block.id, block.position);

  const parents = new Map<string, string[]>();
  const children = new Map<string, string[]>();
  const note = (map: Map<string, string[]>, id: string, other: string): void => {
    if (!newIds.has(id) || id === other) return;
    const list = map.get(id);
    if (list) list.push(other);
    else map.set(id, [other]);
  };
  for (const { source, target } of edges) {
    note(parents, target, source);
    note(children, source, target);
  }
  const result = new Map<string, Position>();
  const visiting = new Set<string>();
  const place = (id: string): void => {
    if (placed.has(id) || visiting.has(id)) return;
    visiting.add(id);
    const above = (parents.get(id) ?? []).filter((parent) => {
      if (newIds.has(parent)) place(parent);
      return placed.has(parent);
    });
    const under = (children.get(id) ?? []).filter((child) => !newIds.has(child) && placed.has(child));
    const at = (ids: string[]): Position[] => ids.map((other) => placed.get(other)!);
    const wanted = above.length > 0 ? below(at(above)) : under.length > 0 ? over(at(under)) : start(lowest);
    const onRim = { x: onCanvas(wanted.x), y: onCanvas(wanted.y) };
    const position = firstFree(onRim, inTheWay(onRim));
    settle(id, position);
    result.set(id, position);
  };
  for (const block of blocks) if (newIds.has(block.id)) place(block.id);
  return result;
}

function below(parents: Position[]): Position {
  return {
    x: Math.round(parents.reduce((sum, { x }) => sum + x, 0) / parents.length),
    y: Math.round(parents.reduce((max, { y }) => Math.max(max, y), -Infinity) + ROW),
  };
}

/** A new block without parents is placed above its children. */
function over(children: Position[]): Position {
  return {
    x: Math.round(children.reduce((sum, { x }) => sum + x, 0) / children.length),
    y: Math.round(children.reduce((min, { y }) => Math.min(min, y), Infinity) - ROW),
  };
}

function rowOf({ y }: Pick<Position, 'y'>): number {
  return Math.floor(y / BLOCK_HEIGHT);
}

/** Limits a coordinate: adding a column's width to a huge number would not change it, and firstFree would not end. */
function onCanvas(coordinate: number): number {
  return Math.max(-MAX_COORDINATE, Math.min(MAX_COORDINATE, coordinate));
}

function start(lowest: number): Position {
  return lowest === -Infinity ? FIRST : { x: FIRST.x, y: Math.round(lowest + ROW) };
}

/**
 * The wanted position, or the nearest free column beside it, right before left. `taken` are the x of the blocks at the same
 * height. Each block takes one column or two neighbouring ones.
 */
function firstFree(wanted: Position, taken: readonly number[]): Position {
  const columns = new Set<number>();
  for (const x of taken) {
    const middle = Math.round((x - wanted.x) / COLUMN);
    for (const column of [middle - 1, middle, middle + 1])
      if (Math.abs(wanted.x + column * COLUMN - x) < BLOCK_WIDTH) columns.add(column);
  }
  for (let column = 0; ; column++) {
    if (!columns.has(column)) return { x: wanted.x + column * COLUMN, y: wanted.y };
    if (!columns.has(-column)) return { x: wanted.x - column * COLUMN, y: wanted.y };
  }
}
