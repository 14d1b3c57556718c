/**
 * Calls with which a worker was lost run one at a time in a process. When a worker dies, each of its calls may be the cause.
 * A suspect call that runs alone is the only suspect when its worker dies again, so only its deaths are counted.
 */

export interface Suspects {
  /** Waits until no other call is in the queue before this one. Returns the function that lets the next call in. */
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
        // A call that stops waiting keeps its place until the calls before it have left.
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
