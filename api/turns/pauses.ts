/** Growing pauses between attempts, by key, in memory. */

export interface Pauses {
  /** False while the key's pause lasts. */
  isDue(key: string): boolean;
  /** Begins the key's next pause: twice the last one, `firstMs` at first, `maxMs` at most. */
  grow(key: string, maxMs: number): void;
  /** The key is well again: its next pause is a first one. */
  forget(key: string): void;
}

/** The pause that follows one of `lastMs`; null: there was none. Pure. */
export function nextPauseMs(lastMs: number | null, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, lastMs === null ? firstMs : lastMs * 2);
}

/** Of more than `maxEntries` keys, the one whose pause began first is forgotten: it is only tried earlier. */
export function createPauses(options: {
  firstMs: number;
  maxEntries: number;
  /** Milliseconds that never go back. */
  now?: () => number;
}): Pauses {
  const { firstMs, maxEntries, now = () => performance.now() } = options;
  const pauses = new Map<string, { ms: number; until: number }>();
  return {
    isDue: (key) => now() >= (pauses.get(key)?.until ?? -Infinity),
    grow(key, maxMs) {
      const ms = nextPauseMs(pauses.get(key)?.ms ?? null, firstMs, maxMs);
      // A map is in the order of insertion.
      pauses.delete(key);
      pauses.set(key, { ms, until: now() + ms });
      if (pauses.size <= maxEntries) return;
      const [oldest] = pauses.keys();
      if (oldest !== undefined) pauses.delete(oldest);
    },
    forget: (key) => void pauses.delete(key),
  };
}
