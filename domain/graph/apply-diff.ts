import { edgeKey, toEdge } from './edge.ts';
import type { Block, Edge, Graph, WorkflowDiff } from './graph.ts';
import type { JsonObject } from '../text/json-value.ts';
import { copyObject, setKey } from '../text/json.ts';

/** Thrown when a diff does not fit a graph. `blocks` are the conflicting blocks: their names, or ids of unknown blocks. */
export class DiffConflictError extends Error {
  readonly code = 'DIFF_CONFLICT';
  readonly blocks: string[];

  constructor(blocks: string[]) {
    super(`the change no longer fits these blocks: ${blocks.join(', ')}`);
    this.name = 'DiffConflictError';
    this.blocks = blocks;
  }
}

/**
 * Applies a diff to a graph, in the documented order: remove_edges, remove_blocks, add_blocks, update_blocks, add_edges.
 * Unchanged blocks stay the same objects. Throws DiffConflictError with all conflicts.
 */
export function applyDiff(base: Graph, diff: WorkflowDiff): Graph {
  const conflicts = new Set<string>();
  const names = new Map([...base.blocks, ...(diff.add_blocks ?? [])].map((block) => [block.id, block.name]));
  const conflict = (id: string): void => void conflicts.add(names.get(id) ?? id);

  const present = new Set(base.edges.map(edgeKey));
  const dropped = new Set<string>();
  for (const edge of diff.remove_edges ?? []) {
    const key = edgeKey(toEdge(edge));
    if (!present.has(key)) conflict(edge.source);
    dropped.add(key);
  }
  const blocks = new Map(base.blocks.map((block) => [block.id, block]));
  const removed = new Set(diff.remove_blocks ?? []);
  for (const id of removed) if (!blocks.delete(id)) conflict(id);
  const edges = base.edges.filter(
    (edge) => !dropped.has(edgeKey(edge)) && !removed.has(edge.source) && !removed.has(edge.target),
  );
  for (const { id, type, name, position, config } of diff.add_blocks ?? []) {
    if (blocks.has(id)) conflict(id);
    else blocks.set(id, { id, type, name, position, config, enabled: true });
  }
  for (const update of diff.update_blocks ?? []) {
    const block = blocks.get(update.id);
    if (block) blocks.set(update.id, updateBlock(block, update));
    else conflict(update.id);
  }
  // A broken edge of the base may be added again: a block that is replaced keeps its broken edges.
  const missing = new Set(
    base.edges.flatMap((edge) => [edge.source, edge.target]).filter((end) => !names.has(end)),
  );
  const result: Edge[] = [...edges];
  const keys = new Set(edges.map(edgeKey));
  for (const wanted of diff.add_edges ?? []) {
    const edge = toEdge(wanted);
    for (const end of [edge.source, edge.target]) {
      if (!blocks.has(end) && !missing.has(end)) conflict(end);
    }
    if (keys.has(edgeKey(edge))) continue;
    keys.add(edgeKey(edge));
    result.push(edge);
  }
  if (conflicts.size > 0) throw new DiffConflictError([...conflicts]);
  return { blocks: [...blocks.values()], edges: result };
}

function updateBlock(block: Block, update: NonNullable<WorkflowDiff['update_blocks']>[number]): Block {
  return {
    ...block,
    name: update.name ?? block.name,
    position: update.position ?? block.position,
    enabled: update.enabled ?? block.enabled,
    config: mergeShallow(block.config, update.config),
  };
}

/** Merges top-level keys: null removes a key, any other value replaces the old value as a whole. */
function mergeShallow(config: JsonObject, changes: JsonObject): JsonObject {
  if (Object.keys(changes).length === 0) return config;
  const result = copyObject(config);
  for (const key of Object.keys(changes)) {
    if (changes[key] === null) delete result[key];
    else setKey(result, key, changes[key]!);
  }
  return result;
}
