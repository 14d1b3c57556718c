import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  useCallback,
  useEffect,
  useState,
} from 'react';

const MIN = 320;
const START = 420;
const STEP = 24;
const LEFT_FOR_CANVAS = 360;
const STORED_WIDTH = 'copilot-conversation-width';

function readWidth(): number {
  const stored = Number(localStorage.getItem(STORED_WIDTH));
  return Number.isFinite(stored) && stored >= MIN ? stored : START;
}

/** The line between canvas and conversation; moved by pointer and by arrow keys. */
export function Divider({ panes }: { panes: RefObject<HTMLDivElement | null> }) {
  const [width, setWidth] = useState(readWidth);
  const [isDragging, setDragging] = useState(false);
  const max = Math.max(MIN, window.innerWidth - LEFT_FOR_CANVAS);
  const shown = Math.min(width, max);
  useEffect(() => {
    panes.current?.style.setProperty('--conversation', `${shown}px`);
  }, [panes, shown]);
  const move = useCallback(
    (next: number) => {
      const bounded = Math.round(Math.max(MIN, Math.min(max, next)));
      setWidth(bounded);
      localStorage.setItem(STORED_WIDTH, String(bounded));
    },
    [max],
  );
  const onPointerMove = (event: PointerEvent): void => {
    if (isDragging) move(window.innerWidth - event.clientX);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const targets: Record<string, number> = {
      ArrowLeft: shown + STEP,
      ArrowRight: shown - STEP,
      Home: max,
      End: MIN,
    };
    const next = targets[event.key];
    if (next === undefined) return;
    event.preventDefault();
    move(next);
  };
  return (
    <div
      className="divider"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the conversation"
      aria-valuemin={MIN}
      aria-valuemax={max}
      aria-valuenow={shown}
      tabIndex={0}
      data-dragging={isDragging ? '' : undefined}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragging(true);
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => setDragging(false)}
      onPointerCancel={() => setDragging(false)}
      onDoubleClick={() => move(START)}
      onKeyDown={onKeyDown}
    />
  );
}
