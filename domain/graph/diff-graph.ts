import { edgeKey } from './edge.ts';
import type { Block, Edge, Graph, WorkflowDiff } from './graph.ts';
import type { JsonObject } from '../text/json-value.ts';
import { toJsonText } from '../text/json-text.ts';
import { getKey, jsonEqual, setKey } from '../text/json.ts';

/**
 * The net change from one graph to another, or null when there is none. Blocks are compared by id, edges as a set: the order
 * and duplicate edges do not matter. Applying the diff to the base gives the other graph, with new blocks and edges at the
 * end. Some changes of a block can't be an update: a new type, or a config key that became null (in an update, null removes
 * the key). Such a block is removed and added, with its edges.
 */
export function diffGraph(base: Graph, work: Graph): WorkflowDiff | null {
  const before = new Map(base.blocks.map((block) => [block.id, block]));
  const after = new Map(work.blocks.map((block) => [block.id, block]));
  const replaced = (id: string): boolean => {
    const [was, is] = [before.get(id), after.get(id)];
    return !was || !is || was.type !== is.type || becameNull(was.config, is.config);
  };

  const added = work.blocks.filter((block) => replaced(block.id));
  const removed = base.blocks.filter((block) => replaced(block.id)).map((block) => block.id);
  const gone = new Set(removed);
  const updates = work.blocks.flatMap((block) => {
    const update = replaced(block.id) ? enabledOf(block) : updateOf(before.get(block.id)!, block);
    return update ? [update] : [];
  });

  // The base's edges without those of the removed blocks.
  const kept = base.edges.filter((edge) => !gone.has(edge.source) && !gone.has(edge.target));
  const keptKeys = new Set(kept.map(edgeKey));
  const wantedKeys = new Set(work.edges.map(edgeKey));
  const addEdges = work.edges.filter((edge) => !keptKeys.has(edgeKey(edge)));
  const removeEdges = kept.filter((edge) => !wantedKeys.has(edgeKey(edge)));

  const diff: WorkflowDiff = {
    ...(added.length > 0
      ? {
          add_blocks: added.map(({ id, type, name, position, config }) => ({
            id,
            type,
            name,
            position,
            config,
          })),
        }
      : {}),
    ...(removed.length > 0 ? { remove_blocks: removed } : {}),
    ...(updates.length > 0 ? { update_blocks: updates } : {}),
    ...(addEdges.length > 0 ? { add_edges: unique(addEdges) } : {}),
    ...(removeEdges.length > 0 ? { remove_edges: unique(removeEdges) } : {}),
  };
  return Object.keys(diff).length === 0 ? null : diff;
}

/** Like diffGraph, with graphs and diff as JSON text. */
export function diffGraphTexts({ base, working }: { base: string; working: string }): string | null {
  const diff = diffGraph(JSON.parse(base) as Graph, JSON.parse(working) as Graph);
  return diff === null ? null : toJsonText(diff);
}

function becameNull(before: JsonObject, after: JsonObject): boolean {
  return Object.keys(after).some((key) => after[key] === null && getKey(before, key) !== null);
}

type Update = NonNullable<WorkflowDiff['update_blocks']>[number];

/** An update that disables an added block: add_blocks has no `enabled`. Null for an enabled block. */
function enabledOf(block: Block): Update | null {
  return block.enabled ? null : { id: block.id, config: {}, enabled: false };
}

function updateOf(before: Block, after: Block): Update | null {
  const config: JsonObject = {};
  for (const key of Object.keys(after.config)) {
    const had = Object.hasOwn(before.config, key);
    if (!had || !jsonEqual(before.config[key], after.config[key])) setKey(config, key, after.config[key]!);
  }
  for (const key of Object.keys(before.config))
    if (!Object.hasOwn(after.config, key)) setKey(config, key, null);
  const moved = before.position.x !== after.position.x || before.position.y !== after.position.y;
  const update: Update = {
    id: after.id,
    config,
    ...(before.name === after.name ? {} : { name: after.name }),
    ...(moved ? { position: after.position } : {}),
    ...(before.enabled === after.enabled ? {} : { enabled: after.enabled }),
  };
  return Object.keys(update).length === 2 && Object.keys(config).length === 0 ? null : update;
}

function unique(edges: Edge[]): Edge[] {
  return [...new Map(edges.map((edge) => [edgeKey(edge), edge])).values()];
}
