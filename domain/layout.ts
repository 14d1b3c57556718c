/**
 * Where a new block goes: top to bottom, about 200 px a row, branches side by side, the first block near (300, 50).
 * Nothing that stands already is moved, and no two blocks overlap.
 */
import type { Block, Edge, Position } from './graph.ts';
import { MAX_COORDINATE } from './workflow-state.ts';

const FIRST: Position = { x: 300, y: 50 };
const ROW = 200;
const COLUMN = 300;
const BLOCK_WIDTH = 250;
const BLOCK_HEIGHT = 120;
const AROUND = [-1, 0, 1];

/** Positions for the blocks of `newIds`, in the given graph; the positions they carry now are ignored. */
export function layOut(
  blocks: readonly Block[],
  edges: readonly Edge[],
  newIds: ReadonlySet<string>,
): Map<string, Position> {
  const placed = new Map<string, Position>();
  // Cells of one block's size: what overlaps a place lies in its own cell or in one beside it.
  const cells = new Map<number, Map<number, Position[]>>();
  const settle = (id: string, position: Position): void => {
    placed.set(id, position);
    const [row, column] = cellOf(position);
    const line = cells.get(row) ?? new Map<number, Position[]>();
    cells.set(row, line.set(column, [...(line.get(column) ?? []), position]));
  };
  const isFree = (at: Position): boolean => {
    const [row, column] = cellOf(at);
    return AROUND.every((down) =>
      AROUND.every((right) =>
        (cells.get(row + down)?.get(column + right) ?? []).every(
          (p) => Math.abs(p.x - at.x) >= BLOCK_WIDTH || Math.abs(p.y - at.y) >= BLOCK_HEIGHT,
        ),
      ),
    );
  };
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
    const wanted = above.length > 0 ? below(at(above)) : under.length > 0 ? over(at(under)) : start(placed);
    const position = firstFree({ x: onCanvas(wanted.x), y: onCanvas(wanted.y) }, isFree);
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

/** A new first block stands above what it leads to. */
function over(children: Position[]): Position {
  return {
    x: Math.round(children.reduce((sum, { x }) => sum + x, 0) / children.length),
    y: Math.round(children.reduce((min, { y }) => Math.min(min, y), Infinity) - ROW),
  };
}

function cellOf({ x, y }: Position): [row: number, column: number] {
  return [Math.floor(y / BLOCK_HEIGHT), Math.floor(x / BLOCK_WIDTH)];
}

/** Far out, adding a column's width would not change the number, and the search for a free place would not end. */
function onCanvas(coordinate: number): number {
  return Math.max(-MAX_COORDINATE, Math.min(MAX_COORDINATE, coordinate));
}

function start(placed: ReadonlyMap<string, Position>): Position {
  if (placed.size === 0) return FIRST;
  let lowest = -Infinity;
  for (const { y } of placed.values()) lowest = Math.max(lowest, y);
  return { x: FIRST.x, y: Math.round(lowest + ROW) };
}

/** The wanted place or the nearest free one beside it, right before left. */
function firstFree(wanted: Position, isFree: (at: Position) => boolean): Position {
  for (let column = 0; ; column++) {
    const right = { x: wanted.x + column * COLUMN, y: wanted.y };
    if (isFree(right)) return right;
    const left = { x: wanted.x - column * COLUMN, y: wanted.y };
    if (isFree(left)) return left;
  }
}
