import { useReactFlow, useStore } from '@xyflow/react';
import { useCallback, useEffect, useRef } from 'react';
import type { ChangeSet } from '../store/changes.ts';
import { motionMs } from './motion.ts';

/**
 * Frames the whole graph at first, and what changes each time that something new is to be seen. While the person has not
 * moved the view, it stays framed when the canvas gets more or less room. Returns what to call when the person moves it.
 */
export function useFraming(changes: ChangeSet | null): () => void {
  const { fitView } = useReactFlow();
  const width = useStore((flow) => flow.width);
  const height = useStore((flow) => flow.height);
  const seen = useRef(new Set<string>());
  const framed = useRef<{ nodes: { id: string }[] | null; isKept: boolean }>({ nodes: null, isKept: true });
  const frame = useCallback(
    (ms: number) => {
      const { nodes } = framed.current;
      void fitView({ ...(nodes ? { nodes } : {}), padding: 0.2, maxZoom: 1, duration: motionMs(ms) });
    },
    [fitView],
  );
  useEffect(() => {
    const ids = changes?.blocks.map(({ id }) => id) ?? [];
    const hasFresh = ids.some((id) => !seen.current.has(id));
    seen.current = new Set(ids);
    if (!hasFresh || !changes) return;
    // Their neighbours say where they are.
    const around = changes.edges.flatMap(({ edge }) => [edge.source, edge.target]);
    framed.current = { nodes: [...new Set([...ids, ...around])].map((id) => ({ id })), isKept: true };
    frame(300);
  }, [changes, frame]);
  useEffect(() => {
    if (width > 0 && height > 0 && framed.current.isKept) frame(0);
  }, [width, height, frame]);
  return useCallback(() => {
    framed.current.isKept = false;
  }, []);
}
