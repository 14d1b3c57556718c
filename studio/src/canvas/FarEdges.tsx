import { getSmoothStepPath, ViewportPortal } from '@xyflow/react';
import { useMemo } from 'react';
import { plainHandle } from '../store/edges.ts';
import type { BlockEdge, BlockNode } from './scene.ts';

/** The unchanged connections of a large workflow seen from afar: one drawing, where each would cost time in every frame. */
export function FarEdges({ nodes, edges }: { nodes: readonly BlockNode[]; edges: readonly BlockEdge[] }) {
  const path = useMemo(() => {
    const byId = new Map(nodes.map((node) => [node.id, node]));
    return edges.flatMap((edge) => pathOf(edge, byId) ?? []).join('');
  }, [nodes, edges]);
  return (
    <ViewportPortal>
      <svg className="far-edges" aria-hidden="true">
        <path d={path} />
      </svg>
    </ViewportPortal>
  );
}

function pathOf(edge: BlockEdge, byId: ReadonlyMap<string, BlockNode>): string | null {
  const source = byId.get(edge.source);
  const target = byId.get(edge.target);
  const from = source?.handles?.find(
    ({ type, id }) => type === 'source' && plainHandle(id) === plainHandle(edge.sourceHandle),
  );
  const to = target?.handles?.find(({ type }) => type === 'target');
  if (!source || !target || !from || !to) return null;
  const [path] = getSmoothStepPath({
    sourceX: source.position.x + from.x + (from.width ?? 0) / 2,
    sourceY: source.position.y + from.y + (from.height ?? 0) / 2,
    sourcePosition: from.position,
    targetX: target.position.x + to.x + (to.width ?? 0) / 2,
    targetY: target.position.y + to.y + (to.height ?? 0) / 2,
    targetPosition: to.position,
    borderRadius: 10,
  });
  return path;
}
