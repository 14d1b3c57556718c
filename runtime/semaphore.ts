/** Gives back what was taken. A second call does nothing. */
export type Release = () => void;

export interface Semaphore {
  /**
   * Waits for a part of the whole, in the order of the calls: whoever waits for much is not passed by all who need little.
   * Null when the part did not get free in time, or when the signal aborted the wait. `amount` is at most the whole.
   */
  take(amount: number, of: { waitMs: number; signal?: AbortSignal }): Promise<Release | null>;
}

interface Waiting {
  amount: number;
  begin: () => void;
}

/** Bounds what many users take of one thing at a time: bytes of memory, places. */
export function createSemaphore(whole: number): Semaphore {
  let free = whole;
  const waiting = new Set<Waiting>();
  const letIn = (): void => {
    for (const entry of waiting) {
      if (entry.amount > free) return;
      waiting.delete(entry);
      free -= entry.amount;
      entry.begin();
    }
  };
  const releaseOf = (amount: number): Release => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      free += amount;
      letIn();
    };
  };
  return {
    take(amount, { waitMs, signal }) {
      return new Promise((resolve) => {
        const stopWaiting = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', giveUp);
        };
        const entry: Waiting = {
          amount,
          begin() {
            stopWaiting();
            resolve(releaseOf(amount));
          },
        };
        const giveUp = (): void => {
          waiting.delete(entry);
          stopWaiting();
          resolve(null);
          letIn();
        };
        const timer = setTimeout(giveUp, waitMs);
        signal?.addEventListener('abort', giveUp, { once: true });
        waiting.add(entry);
        letIn();
      });
    },
  };
}
