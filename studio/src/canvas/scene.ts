/** From the graph, and what is proposed on top of it, to what React Flow draws. */
import { type Edge as FlowEdgeOf, type Node as FlowNodeOf, Position as Side } from '@xyflow/react';
import {
  type Block,
  type BlockType,
  type Edge,
  type Graph,
  type Position,
  visibleText,
} from '../../../client/src/index.ts';
import type { BlockChange, ChangeKind, ChangeSet } from '../store/changes.ts';
import { edgeKey, plainHandle } from '../store/edges.ts';
import { type Outputs, outputsOf, usedHandles } from './handles.ts';

export const BLOCK_WIDTH = 248;
const PLAIN_HEIGHT = 76;
const OUTPUTS_HEIGHT = 24;
const HANDLE = 12;

export type BlockNode = FlowNodeOf<
  { block: Block; name: string; type: BlockType | undefined; outputs: Outputs; change: BlockChange | null },
  'block'
>;
export type BlockEdge = FlowEdgeOf<{ kind: 'added' | 'removed' | null; label: string | undefined }, 'flow'>;

export interface SceneInput {
  graph: Graph;
  changes: ChangeSet | null;
  types: ReadonlyMap<string, BlockType>;
  selection: readonly string[];
  /** Where blocks are while they are dragged. */
  dragged: ReadonlyMap<string, Position>;
}

/** Where the plain or named output stands on a block's lower edge, as a share of its width. */
export function outputPlace(index: number, count: number): number {
  return (index + 0.5) / count;
}

/** Nodes of unchanged blocks are the same objects as before, so that nothing of them is drawn again. */
export function createNodeCache(): (input: SceneInput) => BlockNode[] {
  const cache = new WeakMap<Block, Map<string, BlockNode>>();
  return ({ graph, changes, types, selection, dragged }) => {
    const byId = new Map(changes?.blocks.map((change) => [change.id, change]));
    const used = usedHandles(changes ? [...graph.edges, ...changes.target.edges] : graph.edges);
    const selected = new Set(selection);
    const nodeOf = (block: Block, change: BlockChange | null): BlockNode => {
      const type = types.get(block.type);
      const outputs = outputsOf(block, type, used.get(block.id) ?? []);
      const isSelected = selected.has(block.id);
      const position = dragged.get(block.id);
      const key = `${isSelected ? 's' : ''}|${outputs.names.join()}|${outputs.isPlain}|${type ? 't' : ''}`;
      const made = (): BlockNode =>
        toNode({ block, type, outputs, change, isSelected, position: position ?? block.position });
      if (position || change) return made();
      let variants = cache.get(block);
      if (!variants) cache.set(block, (variants = new Map()));
      let node = variants.get(key);
      if (!node) variants.set(key, (node = made()));
      return node;
    };
    const shown = graph.blocks.map((block) => {
      const change = byId.get(block.id) ?? null;
      return nodeOf(change?.after ?? block, change);
    });
    const added = (changes?.blocks ?? []).filter(({ kind }) => kind === 'added');
    return [...shown, ...added.flatMap((change) => (change.after ? [nodeOf(change.after, change)] : []))];
  };
}

function toNode(input: {
  block: Block;
  type: BlockType | undefined;
  outputs: Outputs;
  change: BlockChange | null;
  isSelected: boolean;
  position: Position;
}): BlockNode {
  const { block, type, outputs, change, isSelected, position } = input;
  const height = PLAIN_HEIGHT + (outputs.names.length > 0 ? OUTPUTS_HEIGHT : 0);
  const size = { width: BLOCK_WIDTH, height };
  const handle = { width: HANDLE, height: HANDLE };
  const at = (share: number): number => share * BLOCK_WIDTH - HANDLE / 2;
  const sources = [...outputs.names, ...(outputs.isPlain ? [null] : [])];
  const isProposed = change?.kind === 'added';
  const name = visibleText(block.name);
  return {
    id: block.id,
    type: 'block',
    position,
    data: { block, name, type, outputs, change },
    selected: isSelected,
    draggable: !isProposed,
    deletable: !isProposed,
    connectable: !isProposed,
    ariaLabel: name,
    domAttributes: domAttributesOf(change?.kind),
    ...size,
    measured: size,
    handles: [
      ...(type?.trigger === true
        ? []
        : [{ type: 'target' as const, position: Side.Top, x: at(0.5), y: -HANDLE / 2, ...handle }]),
      ...sources.map((id, index) => ({
        type: 'source' as const,
        id,
        position: Side.Bottom,
        x: at(outputPlace(index, sources.length)),
        y: height - HANDLE / 2,
        ...handle,
      })),
    ],
  };
}

function domAttributesOf(kind: ChangeKind | undefined): NonNullable<BlockNode['domAttributes']> {
  return kind === undefined ? {} : Object.fromEntries([['data-change', kind]]);
}

/** The edges of the graph, and those that are proposed. */
export function toFlowEdges({
  graph,
  changes,
  selectedEdges,
}: Pick<SceneInput, 'graph' | 'changes'> & { selectedEdges: ReadonlySet<string> }): BlockEdge[] {
  const kinds = new Map(changes?.edges.map(({ key, kind }) => [key, kind]));
  const added = (changes?.edges ?? []).filter(({ kind }) => kind === 'added').map(({ edge }) => edge);
  const known = new Set<string>();
  return [...graph.edges, ...added].flatMap((edge) => {
    const key = edgeKey(edge);
    // A graph that others wrote may hold an edge twice.
    if (known.has(key)) return [];
    known.add(key);
    return [toFlowEdge(edge, key, kinds.get(key) ?? null, selectedEdges.has(key))];
  });
}

function toFlowEdge(edge: Edge, key: string, kind: 'added' | 'removed' | null, selected: boolean): BlockEdge {
  const handle = plainHandle(edge.sourceHandle);
  return {
    id: key,
    type: 'flow',
    source: edge.source,
    target: edge.target,
    sourceHandle: handle ?? null,
    selected,
    focusable: false,
    deletable: kind !== 'added',
    data: { kind, label: kind === 'added' ? '+ Added' : kind === 'removed' ? '− Removed' : undefined },
  };
}
