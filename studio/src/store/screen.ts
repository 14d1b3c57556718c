import { foldEvents, initialTurnView, type TurnEvent, type TurnView } from '../../../client/src/index.ts';

/** A hidden tab draws no frames. */
const HIDDEN_FLUSH_MS = 250;

/** Folds events at once and shows the result once per frame. */
export function createScreen(draw: (view: TurnView, fresh: TurnEvent[]) => void): {
  show: (event: TurnEvent) => void;
  flush: () => void;
} {
  let view = initialTurnView();
  let fresh: TurnEvent[] = [];
  let isDue = false;
  const flush = (): void => {
    isDue = false;
    if (fresh.length === 0) return;
    const drawn = fresh;
    fresh = [];
    draw(view, drawn);
  };
  return {
    show(event) {
      view = foldEvents(view, event);
      fresh.push(event);
      if (isDue) return;
      isDue = true;
      if (document.hidden) setTimeout(flush, HIDDEN_FLUSH_MS);
      else requestAnimationFrame(flush);
    },
    flush,
  };
}
