import { Panel, useReactFlow } from '@xyflow/react';
import { Icon } from '../design/Icon.tsx';
import type { IconName } from '../design/icon-paths.ts';
import { motionMs } from './motion.ts';

/** Zoom in, zoom out, all in view. */
export function ZoomButtons() {
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  const duration = motionMs(150);
  const buttons: readonly [string, IconName, () => void][] = [
    ['Zoom in', 'plus', () => void zoomIn({ duration })],
    ['Zoom out', 'minus', () => void zoomOut({ duration })],
    ['Fit all into view', 'fit', () => void fitView({ duration, padding: 0.15, maxZoom: 1 })],
  ];
  return (
    <Panel position="bottom-left" className="zoom-buttons">
      {buttons.map(([label, icon, act]) => (
        <button
          key={label}
          type="button"
          className="button button-quiet button-icon"
          aria-label={label}
          title={label}
          onClick={act}
        >
          <Icon name={icon} />
        </button>
      ))}
    </Panel>
  );
}
