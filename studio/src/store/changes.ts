/** What is different between two graphs, for people. Pure. */
import type { Block, Edge, Graph, Json, WorkflowDiff } from '../../../client/src/index.ts';
import { edgeKey, toEdge } from './edges.ts';
import { sameJson } from './json.ts';

export type ChangeKind = 'added' | 'changed' | 'removed';

export interface FieldChange {
  field: string;
  /** Undefined: it was not set. */
  before: Json | undefined;
  /** Undefined: it is not set any more. */
  after: Json | undefined;
}

export interface BlockChange {
  kind: ChangeKind;
  id: string;
  name: string;
  before: Block | null;
  after: Block | null;
  fields: FieldChange[];
}

export interface EdgeChange {
  kind: 'added' | 'removed';
  key: string;
  edge: Edge;
  /** Names of the blocks at its ends. */
  source: string;
  target: string;
}

export interface ChangeSet {
  /** What the canvas would be. */
  target: Graph;
  blocks: BlockChange[];
  edges: EdgeChange[];
  /** Names of blocks that no longer fit: the service would refuse the change because of them. */
  misfits: string[];
}

/** What a diff would still change on a graph, which may have moved on since the diff was made. */
export function changesOfDiff(graph: Graph, diff: WorkflowDiff): ChangeSet {
  const misfits = new Set<string>();
  const names = new Map([...(diff.add_blocks ?? []), ...graph.blocks].map(({ id, name }) => [id, name]));
  const misfit = (id: string): void => void misfits.add(names.get(id) ?? 'a block that is gone');
  const blocks = new Map(graph.blocks.map((block) => [block.id, block]));
  const present = new Set(graph.edges.map(edgeKey));
  const dropped = new Set((diff.remove_edges ?? []).map(edgeKey));
  for (const edge of diff.remove_edges ?? []) if (!present.has(edgeKey(edge))) misfit(edge.source);
  const removed = new Set(diff.remove_blocks ?? []);
  for (const id of removed) if (!blocks.delete(id)) misfit(id);
  for (const { id, type, name, position, config } of diff.add_blocks ?? [])
    if (blocks.has(id)) misfit(id);
    else blocks.set(id, { id, type, name, position, config, enabled: true });
  for (const { id, config, name, position, enabled } of diff.update_blocks ?? []) {
    const block = blocks.get(id);
    if (!block) misfit(id);
    else
      blocks.set(id, {
        ...block,
        name: name ?? block.name,
        position: position ?? block.position,
        enabled: enabled ?? block.enabled,
        config: Object.fromEntries(
          Object.entries({ ...block.config, ...config }).filter(
            ([key, value]) => !(value === null && Object.hasOwn(config, key)),
          ),
        ),
      });
  }
  const edges = new Map(
    graph.edges
      .filter((edge) => !dropped.has(edgeKey(edge)) && !removed.has(edge.source) && !removed.has(edge.target))
      .map((edge) => [edgeKey(edge), edge]),
  );
  for (const edge of diff.add_edges ?? []) {
    const missing = [edge.source, edge.target].filter((id) => !blocks.has(id));
    for (const id of missing) misfit(id);
    if (missing.length === 0) edges.set(edgeKey(edge), toEdge(edge));
  }
  const target = { blocks: [...blocks.values()], edges: [...edges.values()] };
  return { ...compareGraphs(graph, target), misfits: [...misfits] };
}

/** What leads from one graph to the other. */
export function compareGraphs(before: Graph, after: Graph): ChangeSet {
  const was = new Map(before.blocks.map((block) => [block.id, block]));
  const is = new Map(after.blocks.map((block) => [block.id, block]));
  const blocks: BlockChange[] = [];
  for (const block of after.blocks) {
    const old = was.get(block.id);
    if (!old) blocks.push(blockChange('added', null, block));
    else if (old !== block) {
      const change = blockChange('changed', old, block);
      if (change.fields.length > 0) blocks.push(change);
    }
  }
  for (const block of before.blocks) if (!is.has(block.id)) blocks.push(blockChange('removed', block, null));
  const nameOf = (id: string): string => (is.get(id) ?? was.get(id))?.name ?? id;
  const edgeChange = (kind: EdgeChange['kind'], edge: Edge): EdgeChange => ({
    kind,
    key: edgeKey(edge),
    edge,
    source: nameOf(edge.source),
    target: nameOf(edge.target),
  });
  const had = new Set(before.edges.map(edgeKey));
  const has = new Set(after.edges.map(edgeKey));
  return {
    target: after,
    blocks,
    edges: [
      ...after.edges.filter((edge) => !had.has(edgeKey(edge))).map((edge) => edgeChange('added', edge)),
      ...before.edges.filter((edge) => !has.has(edgeKey(edge))).map((edge) => edgeChange('removed', edge)),
    ],
    misfits: [],
  };
}

function blockChange(kind: ChangeKind, before: Block | null, after: Block | null): BlockChange {
  const one = after ?? before;
  return {
    kind,
    id: one?.id ?? '',
    name: one?.name ?? '',
    before,
    after,
    fields: fieldChanges(before, after),
  };
}

function fieldChanges(before: Block | null, after: Block | null): FieldChange[] {
  const fields: FieldChange[] = [];
  const compare = (field: string, was: Json | undefined, is: Json | undefined): void => {
    if (!sameJson(was, is)) fields.push({ field, before: was, after: is });
  };
  if (before && after) {
    compare('Name', before.name, after.name);
    compare('Enabled', before.enabled, after.enabled);
    compare('Type', before.type, after.type);
    if (before.position.x !== after.position.x || before.position.y !== after.position.y)
      fields.push({ field: 'Position', before: place(before), after: place(after) });
  }
  const names = new Set([...Object.keys(before?.config ?? {}), ...Object.keys(after?.config ?? {})]);
  for (const name of names) compare(name, own(before, name), own(after, name));
  return fields;
}

function place({ position }: Block): string {
  return `${Math.round(position.x)}, ${Math.round(position.y)}`;
}

function own(block: Block | null, field: string): Json | undefined {
  return block && Object.hasOwn(block.config, field) ? block.config[field] : undefined;
}

/** "2 blocks added, 1 connection removed"; empty where nothing changes. */
export function summarize({ blocks, edges }: Pick<ChangeSet, 'blocks' | 'edges'>): string {
  const count = (list: { kind: ChangeKind }[], kind: ChangeKind, noun: string): string[] => {
    const number = list.filter((change) => change.kind === kind).length;
    return number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'} ${kind}`];
  };
  return [
    ...count(blocks, 'added', 'block'),
    ...count(blocks, 'changed', 'block'),
    ...count(blocks, 'removed', 'block'),
    ...count(edges, 'added', 'connection'),
    ...count(edges, 'removed', 'connection'),
  ].join(', ');
}
