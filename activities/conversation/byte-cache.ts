/** A cache of loaded values, bounded in bytes and entries. The least recently used value is dropped first. */

export interface ByteCache<T> {
  /** The cached value of the key. Without one, `load` is called and its value is cached; a failure is not cached. */
  get(key: string, load: () => Promise<T>): Promise<T>;
  /** The sum of `sizeOf` over all loaded values. */
  bytes(): number;
}

/** Creates an empty cache. A value that is larger than `maxBytes` is returned but not cached. */
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
        // Moves the entry to the end of the map, which is in the order of use.
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
          // The caller of get() receives the error.
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
