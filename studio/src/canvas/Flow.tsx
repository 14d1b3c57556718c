import {
  Background,
  BackgroundVariant,
  type Connection,
  type EdgeChange as FlowEdgeChange,
  MiniMap,
  type NodeChange,
  ReactFlow,
} from '@xyflow/react';
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import type { Graph, Position } from '../../../client/src/index.ts';
import { useStudio } from '../store/studio.ts';
import { BlockView, FarContext } from './BlockNode.tsx';
import { FarEdges } from './FarEdges.tsx';
import { FlowEdge } from './FlowEdge.tsx';
import { focusCanvas } from './focus-canvas.ts';
import { connect, connectionProblem, deleteFromGraph, moveBlocks } from './graph-edits.ts';
import { type BlockEdge, type BlockNode, createNodeCache, toFlowEdges } from './scene.ts';
import { useShownChanges } from './use-changes.ts';
import { useFraming } from './use-framing.ts';

const NODE_TYPES = { block: BlockView };
const EDGE_TYPES = { flow: FlowEdge };
const NOTHING: ReadonlyMap<string, Position> = new Map();
const NO_FLOW_EDGES: BlockEdge[] = [];
const MAP_SIZE = { width: 150, height: 104 };
const NO_EDGES: ReadonlySet<string> = new Set();
/** Beyond this many blocks, only those in view are drawn. */
const FULLY_DRAWN = 120;
/** Below this zoom a block among many shows its name and icon only. */
const FAR_ZOOM = 0.42;
const WORDS = {
  'node.a11yDescription.default':
    'Press Enter to select a block, the arrow keys to move it, Delete to take it away.',
  'node.a11yDescription.keyboardDisabled': 'Press Enter to select a block.',
  'node.a11yDescription.ariaLiveMessage': ({ direction }: { direction: string }) => `Moved ${direction}.`,
};

/** The graph that can be moved, connected and taken apart. */
export function Flow({ graph, children }: { graph: Graph; children: ReactNode }) {
  const { edit, select } = useStudio.getState();
  const types = useStudio((studio) => studio.blockTypes);
  const selection = useStudio((studio) => studio.selection);
  const changes = useShownChanges();
  const [selectedEdges, setSelectedEdges] = useState(NO_EDGES);
  const [dragged, setDragged] = useState(NOTHING);
  const [toNodes] = useState(createNodeCache);
  const nodes = useMemo(
    () => toNodes({ graph, changes, types, selection, dragged }),
    [toNodes, graph, changes, types, selection, dragged],
  );
  const edges = useMemo(
    () => toFlowEdges({ graph, changes, selectedEdges }),
    [graph, changes, selectedEdges],
  );
  const onViewTaken = useFraming(changes);
  const [isZoomedOut, setZoomedOut] = useState(false);
  const isMany = graph.blocks.length > FULLY_DRAWN;
  const isFar = isZoomedOut && isMany;
  const [plain, drawn] = useMemo(() => (isFar ? splitEdges(edges) : [NO_FLOW_EDGES, edges]), [isFar, edges]);
  // A block whose position was committed is shown where the graph has it.
  useEffect(() => setDragged(NOTHING), [graph]);

  const onNodesChange = useCallback(
    (nodeChanges: NodeChange<BlockNode>[]) => {
      const moved = new Map<string, Position>();
      let isDragging = false;
      const chosen = new Set(useStudio.getState().selection);
      for (const change of nodeChanges) {
        if (change.type === 'select') {
          if (change.selected) chosen.add(change.id);
          else chosen.delete(change.id);
        } else if (change.type === 'position' && change.position) {
          moved.set(change.id, { x: Math.round(change.position.x), y: Math.round(change.position.y) });
          isDragging ||= change.dragging === true;
        }
      }
      select([...chosen]);
      if (moved.size === 0) return;
      if (isDragging) setDragged((before) => new Map([...before, ...moved]));
      else edit(moveBlocks(moved), `move ${[...moved.keys()].join()}`);
    },
    [edit, select],
  );
  const onEdgesChange = useCallback((edgeChanges: FlowEdgeChange<BlockEdge>[]) => {
    setSelectedEdges((before) => {
      const after = new Set(before);
      for (const change of edgeChanges)
        if (change.type === 'select') {
          if (change.selected) after.add(change.id);
          else after.delete(change.id);
        }
      return after;
    });
  }, []);
  const onConnect = useCallback((ends: Connection) => edit(connect(ends)), [edit]);
  const isValidConnection = useCallback(
    (ends: Connection | BlockEdge) => connectionProblem(graph, ends, types) === null,
    [graph, types],
  );
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Delete' && event.key !== 'Backspace') return;
    if (isTyping(event.target) || (selection.length === 0 && selectedEdges.size === 0)) return;
    event.preventDefault();
    edit(deleteFromGraph(new Set(selection), selectedEdges));
    setSelectedEdges(NO_EDGES);
    focusCanvas();
  };
  return (
    <FarContext value={isFar}>
      <ReactFlow<BlockNode, BlockEdge>
        className="flow"
        tabIndex={-1}
        nodes={nodes}
        edges={drawn}
        data-far={isFar ? '' : undefined}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onConnect={onConnect}
        isValidConnection={isValidConnection}
        onKeyDown={onKeyDown}
        // The document's keys are not the canvas's: Delete in the conversation must take no block away.
        deleteKeyCode={null}
        // A block that is dragged stays under the pointer: its form opens on a click.
        selectNodesOnDrag={false}
        onlyRenderVisibleElements={isMany}
        onMoveStart={(event) => {
          if (event) onViewTaken();
        }}
        onMove={(_, { zoom }) => {
          setZoomedOut(zoom < FAR_ZOOM);
        }}
        minZoom={0.05}
        maxZoom={2}
        edgesFocusable={false}
        ariaLabelConfig={WORDS}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1.5} />
        <MiniMap
          style={MAP_SIZE}
          pannable
          zoomable
          ariaLabel="Map of the workflow"
          nodeClassName={mapClass}
          nodeBorderRadius={12}
        />
        {plain.length > 0 && <FarEdges nodes={nodes} edges={plain} />}
        {children}
      </ReactFlow>
    </FarContext>
  );
}

/** Those that nothing happens to, and the others. */
function splitEdges(edges: BlockEdge[]): [plain: BlockEdge[], others: BlockEdge[]] {
  const isPlain = ({ data, selected }: BlockEdge): boolean => data?.kind === null && selected !== true;
  return [edges.filter(isPlain), edges.filter((edge) => !isPlain(edge))];
}

function mapClass({ data, selected }: BlockNode): string {
  return `map-block${selected === true ? ' map-selected' : ''} map-${data.change?.kind ?? 'same'}`;
}

/** Whether a key belongs to a field that is written in. */
export function isTyping(target: EventTarget): boolean {
  return (
    target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
  );
}
