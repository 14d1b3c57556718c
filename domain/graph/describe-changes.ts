/**
 * Says in words how a user has changed the canvas, for the prompt of the next turn. The words name blocks and fields, never
 * values, and have a bounded length.
 */
import { diffGraph } from './diff-graph.ts';
import { edgeKey } from './edge.ts';
import { nameKey } from './find-block.ts';
import type { Block, Edge, Graph } from './graph.ts';

const MAX_LISTED = 5;
const MAX_NAME_CHARS = 40;
const MAX_FIELDS = 4;
/** Positions are stored as 32-bit floats, and an editor rounds them. */
const MOVED_FROM = 1;

/** The changes from one graph to another in words, and their number. Null when nothing but rounding differs. */
export function describeChanges(earlier: Graph, now: Graph): { words: string; count: number } | null {
  const before = withIdsOf(earlier, now);
  const diff = diffGraph(before, now);
  if (diff === null) return null;
  const old = new Map(before.blocks.map((block) => [block.id, block]));
  const current = new Map(now.blocks.map((block) => [block.id, block]));
  const nameOf = (id: string): string => short((current.get(id) ?? old.get(id))?.name ?? id);
  const updates = (diff.update_blocks ?? []).filter(({ id }) => old.has(id));
  const added = diff.add_blocks ?? [];
  const removed = diff.remove_blocks ?? [];
  const gone = new Set(removed);
  const replaced = new Set(added.map(({ id }) => id).filter((id) => gone.has(id)));
  // The diff adds the edges of a replaced block again.
  const edgesBefore = new Set(before.edges.map(edgeKey));
  const addedEdges = (diff.add_edges ?? []).filter((edge) => !edgesBefore.has(edgeKey(edge)));
  const edgeOf = ({ source, target, sourceHandle }: Edge): string =>
    `${nameOf(source)} to ${nameOf(target)}${sourceHandle === undefined ? '' : ` (${short(sourceHandle)})`}`;
  const moved = updates.filter(({ id, position }) => position && isMoved(old.get(id)!, position));

  const kinds: [verb: string, items: string[]][] = [
    [
      'added',
      added
        .filter(({ id }) => !replaced.has(id))
        .map(
          ({ id, type }) => `${nameOf(id)} (${short(type)}${current.get(id)!.enabled ? '' : ', disabled'})`,
        ),
    ],
    ['removed', removed.filter((id) => !replaced.has(id)).map(nameOf)],
    ['rebuilt', [...replaced].map(nameOf)],
    [
      'renamed',
      updates.flatMap(({ id, name }) =>
        name === undefined ? [] : [`${short(old.get(id)!.name)} to ${short(name)}`],
      ),
    ],
    [
      'changed',
      updates.flatMap(({ id, config }) => {
        const fields = Object.keys(config);
        return fields.length === 0 ? [] : [`${limited(fields.map(short), MAX_FIELDS)} of ${nameOf(id)}`];
      }),
    ],
    ['disabled', updates.flatMap(({ id, enabled }) => (enabled === false ? [nameOf(id)] : []))],
    ['enabled', updates.flatMap(({ id, enabled }) => (enabled === true ? [nameOf(id)] : []))],
    ['connected', addedEdges.map(edgeOf)],
    ['disconnected', (diff.remove_edges ?? []).map(edgeOf)],
  ];
  const words = [
    ...kinds.flatMap(([verb, items]) =>
      items.length === 0 ? [] : [`${verb} ${limited(items, MAX_LISTED)}`],
    ),
    ...(moved.length === 0 ? [] : [`moved ${moved.length} block${moved.length === 1 ? '' : 's'}`]),
  ];
  if (words.length === 0) return null;
  const count = kinds.reduce((sum, [, items]) => sum + items.length, moved.length);
  return { words: words.join('; '), count };
}

/**
 * What the user made of the last turn's change, and what the user has changed besides. `base` and `working` are the graphs
 * before and after the change. When nothing is recorded about the change, the canvas decides: it is applied when the canvas
 * is nearer to `working`.
 */
export function readCanvas(input: {
  base: Graph;
  working: Graph;
  now: Graph;
  recorded: 'applied' | 'undone' | null;
}): {
  applied: boolean;
  userChanges: string | null;
} {
  const { base, working, now, recorded } = input;
  const sinceApplied = recorded === 'undone' ? null : describeChanges(working, now);
  const sinceLeft = recorded === 'applied' ? null : describeChanges(base, now);
  const applied =
    recorded === null ? (sinceApplied?.count ?? 0) < (sinceLeft?.count ?? 0) : recorded === 'applied';
  return { applied, userChanges: (applied ? sinceApplied : sinceLeft)?.words ?? null };
}

/** The same, with graphs as JSON text. `working` is null when the turn changed nothing. */
export function readCanvasTexts(input: {
  base: string;
  working: string | null;
  now: string;
  recorded: 'applied' | 'undone' | null;
}): ReturnType<typeof readCanvas> {
  const base = JSON.parse(input.base) as Graph;
  const working = input.working === null ? base : (JSON.parse(input.working) as Graph);
  return readCanvas({ base, working, now: JSON.parse(input.now) as Graph, recorded: input.recorded });
}

/** Blocks that have another id in `now` get it, by their name: some editors give added blocks ids of their own. */
function withIdsOf(graph: Graph, now: Graph): Graph {
  const here = new Set(graph.blocks.map(({ id }) => id));
  const there = new Set(now.blocks.map(({ id }) => id));
  const strangers = new Map<string, Block | null>();
  for (const block of now.blocks) {
    if (here.has(block.id)) continue;
    const key = nameKey(block.name);
    strangers.set(key, strangers.has(key) ? null : block);
  }
  const ids = new Map<string, string>();
  for (const { id, name, type } of graph.blocks) {
    const match = there.has(id) ? null : strangers.get(nameKey(name));
    if (!match || match.type !== type) continue;
    ids.set(id, match.id);
    strangers.delete(nameKey(name));
  }
  if (ids.size === 0) return graph;
  const idOf = (id: string): string => ids.get(id) ?? id;
  return {
    blocks: graph.blocks.map((block) => ({ ...block, id: idOf(block.id) })),
    edges: graph.edges.map((edge) => ({ ...edge, source: idOf(edge.source), target: idOf(edge.target) })),
  };
}

function isMoved({ position }: Block, to: Block['position']): boolean {
  return Math.abs(position.x - to.x) > MOVED_FROM || Math.abs(position.y - to.y) > MOVED_FROM;
}

function limited(items: readonly string[], max: number): string {
  const more = items.length - max;
  return `${items.slice(0, max).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function short(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, MAX_NAME_CHARS).toWellFormed();
}
