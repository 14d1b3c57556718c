/** Growing pauses between attempts, kept in memory by key. */

export interface Pauses {
  /** False while the key's pause lasts. */
  isDue(key: string): boolean;
  /** Begins the key's next pause: first `firstMs`, then twice the last pause, at most `maxMs`. */
  grow(key: string, maxMs: number): void;
  /** Forgets the key's pauses, so that its next pause is a first one. */
  forget(key: string): void;
}

/** The pause after a pause of `lastMs`, or the first one when `lastMs` is null. Pure. */
export function nextPauseMs(lastMs: number | null, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, lastMs === null ? firstMs : lastMs * 2);
}

/** Creates the pauses. Beyond `maxEntries` keys, the key whose pause began first is forgotten and thus tried earlier. */
export function createPauses(options: {
  firstMs: number;
  maxEntries: number;
  /** A clock in milliseconds that never goes back. */
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
