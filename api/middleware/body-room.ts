/** Gives back what was taken. To be called once. */
export type Release = () => void;

export interface BodyRoom {
  /** Waits for room for so many bytes, in the order of the calls; null when there was none in time. */
  take(bytes: number): Promise<Release | null>;
}

interface Waiting {
  bytes: number;
  begin: () => void;
}

/** Bounds what all bodies that are being read or worked on take together. `take` must ask for no more than `bytes`. */
export function createBodyRoom({ bytes, waitMs }: { bytes: number; waitMs: number }): BodyRoom {
  let free = bytes;
  const waiting = new Set<Waiting>();
  const letIn = (): void => {
    for (const entry of waiting) {
      // Whoever waits for much must not be passed by all who need little.
      if (entry.bytes > free) return;
      waiting.delete(entry);
      free -= entry.bytes;
      entry.begin();
    }
  };
  return {
    take(size) {
      return new Promise((resolve) => {
        const entry: Waiting = {
          bytes: size,
          begin() {
            clearTimeout(timer);
            resolve(() => {
              free += size;
              letIn();
            });
          },
        };
        const timer = setTimeout(() => {
          waiting.delete(entry);
          resolve(null);
          letIn();
        }, waitMs);
        waiting.add(entry);
        letIn();
      });
    },
  };
}
