/**
 * Where a new block goes: top to bottom, about 200 px a row, branches side by side, the first block near (300, 50).
 * Nothing that stands already is moved, and no two blocks overlap.
 */
import type { Block, Edge, Position } from './graph.ts';

const FIRST: Position = { x: 300, y: 50 };
const ROW = 200;
const COLUMN = 300;
const BLOCK_WIDTH = 250;
const BLOCK_HEIGHT = 120;

/** Positions for the blocks of `newIds`, in the given graph; the positions they carry now are ignored. */
export function layOut(
  blocks: readonly Block[],
  edges: readonly Edge[],
  newIds: ReadonlySet<string>,
): Map<string, Position> {
  const placed = new Map<string, Position>();
  const rows = new Map<number, Position[]>();
  const settle = (id: string, position: Position): void => {
    placed.set(id, position);
    const row = Math.floor(position.y / BLOCK_HEIGHT);
    const there = rows.get(row);
    if (there) there.push(position);
    else rows.set(row, [position]);
  };
  const isFree = (at: Position): boolean => {
    const row = Math.floor(at.y / BLOCK_HEIGHT);
    return [row - 1, row, row + 1].every((r) =>
      (rows.get(r) ?? []).every(
        (p) => Math.abs(p.x - at.x) >= BLOCK_WIDTH || Math.abs(p.y - at.y) >= BLOCK_HEIGHT,
      ),
    );
  };
  for (const block of blocks) if (!newIds.has(block.id)) settle(block.id, block.position);

  const parents = new Map<string, string[]>();
  for (const edge of edges) {
    if (!newIds.has(edge.target) || edge.source === edge.target) continue;
    const list = parents.get(edge.target);
    if (list) list.push(edge.source);
    else parents.set(edge.target, [edge.source]);
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
    const position = firstFree(
      above.length > 0 ? below(above.map((parent) => placed.get(parent)!)) : start(placed),
      isFree,
    );
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
