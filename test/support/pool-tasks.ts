/** Tasks for the tests of the thread pool. */
import { isMainThread } from 'node:worker_threads';

export function whereAmI(): string {
  return isMainThread ? 'main' : 'thread';
}

export function throwRange(): void {
  throw new RangeError('too deep');
}

/** Never ends. */
export function spin(): void {
  for (;;);
}

export function fillMemory(): number {
  const lists: number[][] = [];
  for (;;) lists.push(Array.from({ length: 1_000_000 }, (_, n) => n + Math.random()));
}
