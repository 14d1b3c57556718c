/** A cache of what is loaded once and used again: bounded in bytes, the longest unused goes first. */

export interface ByteCache<T> {
  /** What is kept under the key, or what `load` gives, which is then kept. A failed load is not. */
  get(key: string, load: () => Promise<T>): Promise<T>;
  /** What all finished loads take, by `sizeOf`. */
  bytes(): number;
}

/** Creates an empty cache. What is larger than `maxBytes` is handed on and not kept. */
export function createByteCache<T>(options: {
  maxBytes: number;
  maxEntries: number;
  sizeOf: (value: T) => number;
}): ByteCache<T> {
  interface Entry {
    value: Promise<T>;
    /** 0 until it is loaded. */
    bytes: number;
  }
  const entries = new Map<string, Entry>();
  let total = 0;
  const drop = (key: string, entry: Entry): void => {
    if (entries.get(key) !== entry) return;
    entries.delete(key);
    total -= entry.bytes;
  };
  const trim = (): void => {
    for (const [key, entry] of entries) {
      if (total <= options.maxBytes && entries.size <= options.maxEntries) return;
      drop(key, entry);
    }
  };
  return {
    get(key, load) {
      const known = entries.get(key);
      if (known) {
        // Behind the others: a map keeps its order.
        entries.delete(key);
        entries.set(key, known);
        return known.value;
      }
      const entry: Entry = { value: load(), bytes: 0 };
      entries.set(key, entry);
      const settle = async (): Promise<void> => {
        try {
          const value = await entry.value;
          if (entries.get(key) !== entry) return;
          entry.bytes = options.sizeOf(value);
          total += entry.bytes;
          trim();
        } catch {
          // Whoever asked is told; a failed load is not kept.
          drop(key, entry);
        }
      };
      void settle();
      trim();
      return entry.value;
    },
    bytes: () => total,
  };
}
