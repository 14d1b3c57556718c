/** How long a movement of the view takes: none for a person who wants no motion. */
export function motionMs(ms: number): number {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : ms;
}
