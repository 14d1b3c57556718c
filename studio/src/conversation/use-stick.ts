import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** So near to the end counts as being there. */
const NEAR_PX = 32;

/**
 * Keeps a scrolled list at its end while the reader is there, and never pulls a reader who has scrolled up. What is put before
 * `firstKey` moves nothing that is read.
 */
export function useStick(firstKey: string | undefined): {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  isAtEnd: boolean;
  jumpToEnd: () => void;
} {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const lastTop = useRef(0);
  const shown = useRef<{ firstKey: string | undefined; height: number }>({ firstKey: undefined, height: 0 });
  const [isAtEnd, setAtEnd] = useState(true);

  const stick = useCallback((isStuck: boolean) => {
    sticks.current = isStuck;
    setAtEnd(isStuck);
  }, []);
  const jumpToEnd = useCallback(() => {
    const list = scroller.current;
    if (!list) return;
    stick(true);
    list.scrollTop = list.scrollHeight;
  }, [stick]);

  useEffect(() => {
    const list = scroller.current;
    const inside = content.current;
    if (!list || !inside) return;
    const onScroll = (): void => {
      const isNear = list.scrollHeight - list.clientHeight - list.scrollTop <= NEAR_PX;
      // Growing content moves the end away; only the reader moves up.
      if (isNear) stick(true);
      else if (list.scrollTop < lastTop.current) stick(false);
      lastTop.current = list.scrollTop;
    };
    const follow = new ResizeObserver(() => {
      if (sticks.current) list.scrollTop = list.scrollHeight;
      else setAtEnd(list.scrollHeight - list.clientHeight - list.scrollTop <= NEAR_PX);
    });
    follow.observe(inside);
    follow.observe(list);
    list.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      follow.disconnect();
      list.removeEventListener('scroll', onScroll);
    };
  }, [stick]);

  useLayoutEffect(() => {
    const list = scroller.current;
    if (!list) return;
    const before = shown.current;
    if (before.firstKey !== undefined && before.firstKey !== firstKey && !sticks.current)
      list.scrollTop += list.scrollHeight - before.height;
    lastTop.current = list.scrollTop;
    shown.current = { firstKey, height: list.scrollHeight };
  });

  return { scroller, content, isAtEnd, jumpToEnd };
}
