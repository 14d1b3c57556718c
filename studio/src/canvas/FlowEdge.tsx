import { BaseEdge, type EdgeProps, getSmoothStepPath } from '@xyflow/react';
import { memo } from 'react';
import type { BlockEdge } from './scene.ts';

const LABEL_WIDTH = 74;

/** A connection. A proposed one says in words what becomes of it. */
export const FlowEdge = memo(function FlowEdge(props: EdgeProps<BlockEdge>) {
  const { sourceX, sourceY, sourcePosition, targetX, targetY, targetPosition, data, selected, markerEnd } =
    props;
  const [path, labelX, labelY] = getSmoothStepPath({
    sourceX,
    sourceY,
    sourcePosition,
    targetX,
    targetY,
    targetPosition,
    borderRadius: 10,
  });
  const kind = data?.kind ?? undefined;
  return (
    <g className="flow-edge" data-change={kind} data-selected={selected === true ? '' : undefined}>
      <BaseEdge path={path} {...(markerEnd === undefined ? {} : { markerEnd })} interactionWidth={18} />
      {data?.label !== undefined && (
        <g transform={`translate(${labelX} ${labelY})`} className="flow-edge-label">
          <rect x={-LABEL_WIDTH / 2} y={-10} width={LABEL_WIDTH} height={20} rx={10} />
          <text textAnchor="middle" dy="0.35em">
            {data.label}
          </text>
        </g>
      )}
    </g>
  );
});
