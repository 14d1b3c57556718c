import { useReactFlow } from '@xyflow/react';
import { type RefObject, useEffect, useRef } from 'react';
import { motionMs } from './motion.ts';

const MARGIN = 24;

/** Moves the view when a panel over the canvas would cover the selected block. Returns the ref of the panel. */
export function useUncovered(blockId: string | undefined): RefObject<HTMLElement | null> {
  const panel = useRef<HTMLElement>(null);
  const { getViewport, setViewport } = useReactFlow();
  useEffect(() => {
    if (blockId === undefined || !panel.current) return;
    const cover = panel.current.getBoundingClientRect();
    const area = panel.current.parentElement?.getBoundingClientRect();
    const block = document
      .querySelector(`.react-flow__node[data-id="${CSS.escape(blockId)}"]`)
      ?.getBoundingClientRect();
    if (!block || !area || block.right < cover.left || block.bottom < cover.top) return;
    const isSheet = cover.width === area.width;
    const { x, y, zoom } = getViewport();
    void setViewport(
      isSheet
        ? { x, y: y - (block.bottom - cover.top + MARGIN), zoom }
        : { x: x - (block.right - cover.left + MARGIN), y, zoom },
      { duration: motionMs(150) },
    );
  }, [blockId, getViewport, setViewport]);
  return panel;
}
