/**
 * What the copilot has edited so far in a running turn, as the arguments of its calls tell: a preview. The turn's end brings
 * the exact change. Pure.
 */
import type { Block, Edge, Graph, Json, JsonObject, Position } from '../../../client/src/index.ts';
import { edgeKey, plainHandle, toEdge } from './edges.ts';

/** A call of modify_workflow that succeeded. */
export interface LiveEdit {
  edit: JsonObject;
  /** Ids of the blocks that it added, by name; empty where the result was cut. */
  ids: Readonly<Record<string, string>>;
}

const ROW = 200;
const COLUMN = 300;

/** The edit of a call and its result; null for arguments that are no object. */
export function toLiveEdit(edit: JsonObject | string, result: string): LiveEdit | null {
  return typeof edit === 'string' ? null : { edit, ids: addedIds(result) };
}

function addedIds(result: string): Record<string, string> {
  const ids: Record<string, string> = {};
  try {
    const parsed = JSON.parse(result) as Json;
    for (const block of objects(objectOf(objectOf(parsed).changes).added))
      if (typeof block.name === 'string' && typeof block.id === 'string') ids[block.name] = block.id;
  } catch {
    // The result was cut at its readable size.
  }
  return ids;
}

/** The graph after the edits. What can't be understood is left out. */
export function applyLiveEdits(graph: Graph, edits: readonly LiveEdit[]): Graph {
  const aliases = new Map<string, string>();
  return edits.reduce((current, edit) => applyLiveEdit(current, edit, aliases), graph);
}

function applyLiveEdit(graph: Graph, { edit, ids }: LiveEdit, aliases: Map<string, string>): Graph {
  const blocks = new Map(graph.blocks.map((block) => [block.id, block]));
  const find = (ref: Json | undefined): string | null => {
    if (typeof ref !== 'string') return null;
    const id = aliases.get(ref) ?? ref;
    if (blocks.has(id)) return id;
    return [...blocks.values()].find(({ name }) => name === ref)?.id ?? null;
  };
  let edges = graph.edges;
  const toEdges = (list: Json | undefined): Edge[] =>
    objects(list).flatMap(({ source, target, sourceHandle }) => {
      const [from, to] = [find(source), find(target)];
      const handle = typeof sourceHandle === 'string' ? sourceHandle : null;
      return from === null || to === null ? [] : [toEdge({ source: from, target: to, sourceHandle: handle })];
    });
  for (const edge of toEdges(edit.remove_edges))
    edges = edges.filter(
      (known) =>
        known.source !== edge.source ||
        known.target !== edge.target ||
        (edge.sourceHandle !== undefined && plainHandle(known.sourceHandle) !== edge.sourceHandle),
    );
  for (const ref of Array.isArray(edit.remove_blocks) ? edit.remove_blocks : []) {
    const id = find(ref);
    if (id === null) continue;
    blocks.delete(id);
    edges = edges.filter(({ source, target }) => source !== id && target !== id);
  }
  const unplaced: string[] = [];
  for (const { id: alias, type, name, config, position } of objects(edit.add_blocks)) {
    if (typeof type !== 'string' || typeof name !== 'string') continue;
    const id = ids[name] ?? `live ${name}`;
    if (typeof alias === 'string') aliases.set(alias, id);
    const given = positionOf(position);
    if (!given) unplaced.push(id);
    blocks.set(id, {
      id,
      type,
      name,
      config: objectOf(config),
      enabled: true,
      position: given ?? { x: COLUMN, y: 50 },
    });
  }
  for (const { id: ref, config, name, position, enabled } of objects(edit.update_blocks)) {
    const id = find(ref);
    const block = id === null ? undefined : blocks.get(id);
    if (!block) continue;
    blocks.set(block.id, {
      ...block,
      name: typeof name === 'string' ? name : block.name,
      enabled: typeof enabled === 'boolean' ? enabled : block.enabled,
      position: positionOf(position) ?? block.position,
      config: objectOf(mergePatch(block.config, objectOf(config))),
    });
  }
  const known = new Set(edges.map(edgeKey));
  const added = toEdges(edit.add_edges).filter((edge) => !known.has(edgeKey(edge)));
  edges = [...edges, ...added];
  for (const id of unplaced) place(id, blocks, edges);
  return { blocks: [...blocks.values()], edges };
}

/** Below what leads to it, beside what stands there already. */
function place(id: string, blocks: Map<string, Block>, edges: readonly Edge[]): void {
  const block = blocks.get(id);
  if (!block) return;
  const parents = edges.flatMap(({ source, target }) => {
    const parent = target === id ? blocks.get(source) : undefined;
    return parent ? [parent.position] : [];
  });
  const others = [...blocks.values()].filter((other) => other.id !== id);
  const start: Position = parents[0]
    ? { x: parents[0].x, y: Math.max(...parents.map(({ y }) => y)) + ROW }
    : { x: COLUMN, y: Math.max(50 - ROW, ...others.map(({ position }) => position.y)) + ROW };
  const isFree = ({ x, y }: Position): boolean =>
    others.every(
      ({ position }) => Math.abs(position.x - x) >= COLUMN - 40 || Math.abs(position.y - y) >= 110,
    );
  let at = start;
  while (!isFree(at)) at = { x: at.x + COLUMN, y: at.y };
  blocks.set(id, { ...block, position: at });
}

/** RFC 7396: keys merge, null removes. */
function mergePatch(value: Json, patch: Json): Json {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const merged = new Map(Object.entries(objectOf(value)));
  for (const [key, change] of Object.entries(patch))
    if (change === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key) ?? null, change));
  return Object.fromEntries(merged);
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value)
    ? value.filter(
        (item): item is JsonObject => typeof item === 'object' && item !== null && !Array.isArray(item),
      )
    : [];
}

function positionOf(value: Json | undefined): Position | null {
  const { x, y } = objectOf(value);
  return typeof x === 'number' && typeof y === 'number' ? { x, y } : null;
}
