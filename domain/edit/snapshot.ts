/** Plans a snapshot, which applies a turn's diff to the persisted workflow, and a revert, which undoes it. */
import { isLongerThan } from '../text/is-longer-than.ts';
import { applyDiff, DiffConflictError } from '../graph/apply-diff.ts';
import { findBlockType } from '../rules/block-registry.ts';
import { checkGraph } from '../rules/check-graph.ts';
import { diffGraph } from '../graph/diff-graph.ts';
import { edgeKey } from '../graph/edge.ts';
import { indexBlocks, nameKey } from '../graph/find-block.ts';
import type { Block, Edge, Graph, Position, WorkflowDiff } from '../graph/graph.ts';
import type { JsonObject } from '../text/json-value.ts';
import { copyObject, getKey, jsonEqual, setKey } from '../text/json.ts';
import { isUuid } from '../text/uuid.ts';

/** The lengths of the columns workflow_blocks.name, workflow_blocks.type and workflow_edges.source_handle. */
const MAX_NAME_CHARS = 255;
const MAX_TYPE_CHARS = 50;
const MAX_HANDLE_CHARS = 50;

/**
 * Plans a snapshot. `graph` becomes the persisted workflow: the diff applied to the editor's canvas, with persisted ids.
 * `without` is the canvas without the diff, to which a revert leads back.
 *
 * The ids of the diff come from workflow_state and may be display names; the canvas has its own ids. Each id of the diff is
 * looked up in the canvas by id, then by unique name, then as `Name #n`. Ids of the result that are no UUIDs are matched to
 * persisted blocks by id, then by unique name; the others get `newId()`. Fields that the platform owns keep their persisted
 * value. Edges with an end that names no block are dropped.
 * Throws DiffConflictError, also for a block that does not fit the platform's columns.
 */
export function planSnapshot(input: {
  persisted: Graph;
  preSnapshot: Graph;
  /** The blocks of the canvas that have `enabled`. The others keep the persisted value. */
  enabledGiven: ReadonlySet<string>;
  diff: WorkflowDiff;
  newId: () => string;
}): { graph: Graph; without: Graph } {
  const { persisted, preSnapshot } = input;
  const diff = translateDiff(input.diff, preSnapshot);
  const canvas = applyDiff(preSnapshot, diff);
  const kept = new Set(canvas.blocks.map((block) => block.id));
  const ids = toPersistedIds(
    [...canvas.blocks, ...preSnapshot.blocks.filter((block) => !kept.has(block.id))],
    persisted,
    input.newId,
  );
  const tooLong = canvas.blocks.filter(
    (block) => isLongerThan(block.name, MAX_NAME_CHARS) || isLongerThan(block.type, MAX_TYPE_CHARS),
  );
  const oddEdges = canvas.edges.filter((edge) => isLongerThan(edge.sourceHandle ?? '', MAX_HANDLE_CHARS));
  if (tooLong.length > 0 || oddEdges.length > 0) {
    const names = [...tooLong.map((block) => block.name), ...oddEdges.map((edge) => edge.source)];
    throw new DiffConflictError([...new Set(names.map((name) => name.slice(0, 100)))]);
  }
  const before = new Map(persisted.blocks.map((block) => [block.id, block]));
  const saysEnabled = new Set(input.enabledGiven);
  for (const update of diff.update_blocks ?? []) if (update.enabled !== undefined) saysEnabled.add(update.id);
  const translate = (graph: Graph, says: ReadonlySet<string>): Graph => ({
    blocks: graph.blocks.map((block) => {
      const id = ids.get(block.id)!;
      return {
        ...block,
        id,
        config: withOwnedFields(block, before.get(id)),
        enabled: says.has(block.id) ? block.enabled : (before.get(id)?.enabled ?? block.enabled),
      };
    }),
    edges: graph.edges.flatMap((edge) => {
      const source = ids.get(edge.source);
      const target = ids.get(edge.target);
      return source === undefined || target === undefined ? [] : [{ ...edge, source, target }];
    }),
  });
  return { graph: translate(canvas, saysEnabled), without: translate(preSnapshot, input.enabledGiven) };
}

/** The config with the platform's fields of the persisted block, which an editor may not know. */
function withOwnedFields(block: Block, persisted: Block | undefined): JsonObject {
  const owned = (findBlockType(block.type)?.fields ?? []).filter((field) => field.serverOwned);
  if (!persisted || persisted.type !== block.type || owned.length === 0) return block.config;
  const config = copyObject(block.config);
  for (const { name } of owned) {
    const value = getKey(persisted.config, name);
    if (value !== undefined) setKey(config, name, value);
  }
  return config;
}

/** The persisted id of each block, by its id in the editor. No two blocks get the same id. */
function toPersistedIds(
  blocks: readonly Block[],
  persisted: Graph,
  newId: () => string,
): Map<string, string> {
  const known = indexBlocks(persisted.blocks);
  const taken = new Set(blocks.filter((block) => isUuid(block.id)).map((block) => block.id.toLowerCase()));
  const ids = new Map<string, string>();
  const given = new Set<string>();
  for (const block of blocks) {
    let id = block.id.toLowerCase();
    if (!isUuid(id)) {
      const free = [block.id, block.name]
        .map((ref) => known.find(ref))
        .find((found) => 'block' in found && !taken.has(found.block.id));
      id = free && 'block' in free ? free.block.id : newId();
    } else if (given.has(id)) id = newId(); // The same UUID in another case.
    taken.add(id);
    given.add(id);
    ids.set(block.id, id);
  }
  return ids;
}

/** The diff with the canvas's ids in place of its own. Unknown ids stay, and conflict when the diff is applied. */
function translateDiff(diff: WorkflowDiff, canvas: Graph): WorkflowDiff {
  const index = indexBlocks(canvas.blocks);
  const added = new Set((diff.add_blocks ?? []).map((block) => block.id));
  const resolve = (ref: string): string => {
    const found = index.find(ref);
    return 'block' in found ? found.block.id : ref;
  };
  const resolveNew = (ref: string): string => (added.has(ref) ? ref : resolve(ref));
  const oldEdge = (edge: Edge): Edge => ({
    ...edge,
    source: resolve(edge.source),
    target: resolve(edge.target),
  });
  return {
    ...diff,
    ...(diff.remove_edges ? { remove_edges: diff.remove_edges.map(oldEdge) } : {}),
    ...(diff.remove_blocks ? { remove_blocks: diff.remove_blocks.map(resolve) } : {}),
    ...(diff.update_blocks
      ? { update_blocks: diff.update_blocks.map((update) => ({ ...update, id: resolveNew(update.id) })) }
      : {}),
    ...(diff.add_edges
      ? {
          add_edges: diff.add_edges.map((edge) => ({
            ...edge,
            source: resolveNew(edge.source),
            target: resolveNew(edge.target),
          })),
        }
      : {}),
  };
}

/**
 * Undoes the change from `before` to `after` on the current graph and keeps every other change. Throws DiffConflictError
 * with the blocks whose changed parts were changed again since.
 */
export function planRevert(input: { before: Graph; after: Graph; current: Graph }): Graph {
  const { before, after, current } = input;
  const undo = diffGraph(after, before);
  if (undo === null) return current;
  const index = indexBlocks(current.blocks);
  const afterById = new Map(after.blocks.map((block) => [block.id, block]));
  // Clients may have given new ids to the added blocks, so blocks are looked up by id, then by name.
  const locate = (id: string): Block | null => {
    const own = index.withId(id);
    if (own) return own;
    const made = afterById.get(id);
    const found = made ? index.find(made.name) : null;
    return found && 'block' in found && nameKey(found.block.name) === nameKey(made!.name)
      ? found.block
      : null;
  };
  const idNow = (id: string): string => locate(id)?.id ?? id;
  const conflicts = new Set<string>();
  const edgeNow = (edge: Edge): Edge => ({ ...edge, source: idNow(edge.source), target: idNow(edge.target) });
  const madeEdges = new Set(after.edges.map((edge) => edgeKey(edgeNow(edge))));
  // The ends of all edges that the change did not add. A block that the revert removes must not be one of them.
  const otherEnds = new Set(
    current.edges.flatMap((edge) => (madeEdges.has(edgeKey(edge)) ? [] : [edge.source, edge.target])),
  );

  const removals = (undo.remove_blocks ?? []).flatMap((id) => {
    const block = locate(id);
    if (!block) return [];
    const made = afterById.get(id)!;
    const edited =
      !jsonEqual(block.config, made.config) || block.name !== made.name || block.enabled !== made.enabled;
    if (edited || otherEnds.has(block.id)) conflicts.add(block.name);
    return [block.id];
  });
  const updates = (undo.update_blocks ?? []).flatMap((update) => {
    const made = afterById.get(update.id);
    if (!made) return [update];
    const block = locate(update.id);
    if (!block) {
      conflicts.add(made.name);
      return [];
    }
    const keys = Object.keys(update.config);
    const changed =
      keys.some((key) => !jsonEqual(getKey(block.config, key), getKey(made.config, key))) ||
      (update.name !== undefined && block.name !== made.name) ||
      (update.enabled !== undefined && block.enabled !== made.enabled);
    if (changed) conflicts.add(block.name);
    const { position, ...rest } = update;
    // A block that the user has moved since keeps its place. The rest is reverted all the same.
    const moved = position !== undefined && !samePlace(block.position, made.position);
    return [{ ...rest, id: block.id, ...(position === undefined || moved ? {} : { position }) }];
  });
  const gone = new Set(removals);
  const staying = new Set(
    current.blocks.flatMap((block) => (gone.has(block.id) ? [] : [nameKey(block.name)])),
  );
  for (const block of undo.add_blocks ?? []) if (staying.has(nameKey(block.name))) conflicts.add(block.name);
  const returning = new Set((undo.add_blocks ?? []).map((block) => block.id));
  for (const edge of undo.add_edges ?? []) {
    for (const end of [edge.source, edge.target]) {
      const made = afterById.get(end);
      if (made && !returning.has(end) && !locate(end)) conflicts.add(made.name);
    }
  }
  if (conflicts.size > 0) throw new DiffConflictError([...conflicts]);
  const there = new Set(current.edges.map(edgeKey));
  const reverted = applyDiff(current, {
    remove_edges: (undo.remove_edges ?? []).map(edgeNow).filter((edge) => there.has(edgeKey(edge))),
    remove_blocks: removals,
    add_blocks: undo.add_blocks ?? [],
    update_blocks: updates,
    add_edges: (undo.add_edges ?? []).map(edgeNow),
  });
  // Blocks that were added since may not fit the reverted ones: a second trigger, a cycle.
  const known = new Set([...checkGraph(current), ...checkGraph(before)].map((found) => found.key));
  const broken = checkGraph(reverted)
    .filter((found) => !known.has(found.key))
    .flatMap((found) => (found.severity === 'error' ? [found.block ?? found.problem.message] : []));
  if (broken.length > 0) throw new DiffConflictError([...new Set(broken)]);
  return reverted;
}

/** Whether two positions are stored as the same: the platform stores 32-bit floats. */
function samePlace(a: Position, b: Position): boolean {
  return Math.fround(a.x) === Math.fround(b.x) && Math.fround(a.y) === Math.fround(b.y);
}
