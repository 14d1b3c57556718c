/**
 * Calls with which a worker was lost run one at a time in a process. What dies together can't be told apart; of two such
 * calls that run alone, only the one that ends its worker is counted again.
 */

export interface Suspects {
  /** Waits for its turn; the function that is returned lets the next one in. Rejects when the signal aborts. */
  enter(signal: AbortSignal): Promise<() => void>;
}

/** Creates a queue for one process. */
export function createSuspects(): Suspects {
  let last: Promise<void> = Promise.resolve();
  return {
    async enter(signal) {
      const before = last;
      let leave: () => void = () => undefined;
      last = new Promise((resolve) => (leave = resolve));
      try {
        await untilAborted(before, signal);
        return leave;
      } catch (error: unknown) {
        // Whoever gives up waiting must not let the next one in before its time.
        void before.finally(leave);
        throw error;
      }
    },
  };
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  await Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
