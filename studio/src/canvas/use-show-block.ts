import { useReactFlow } from '@xyflow/react';
import { useCallback } from 'react';
import { useStudio } from '../store/studio.ts';
import { focusCanvas } from './focus-canvas.ts';
import { motionMs } from './motion.ts';
import { BLOCK_WIDTH } from './scene.ts';

/** Selects a block, brings it into view, and gives it the focus. */
export function useShowBlock(): (id: string) => void {
  const { setCenter, getZoom } = useReactFlow();
  return useCallback(
    (id) => {
      const { graph, select } = useStudio.getState();
      const block = graph?.blocks.find((one) => one.id === id);
      if (!block) return;
      select([id]);
      const { x, y } = block.position;
      void setCenter(x + BLOCK_WIDTH / 2, y + 40, {
        zoom: Math.max(getZoom(), 0.7),
        duration: motionMs(200),
      }).then(() => requestAnimationFrame(() => focusCanvas(id)));
    },
    [setCenter, getZoom],
  );
}
