/** Gives the amount back. A second call does nothing. */
export type Release = () => void;

export interface Semaphore {
  /**
   * Takes an amount, in the order of the calls, so that calls for little do not overtake a call for much. Returns null when
   * the amount was not free within `waitMs`, or when the signal aborted. `amount` is at most `whole`.
   */
  take(amount: number, of: { waitMs: number; signal?: AbortSignal }): Promise<Release | null>;
}

interface Waiting {
  amount: number;
  begin: () => void;
}

/** Creates a semaphore of `whole` units, such as bytes of memory or running queries. */
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
