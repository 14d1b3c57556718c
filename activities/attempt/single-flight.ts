/**
 * The calls that run in this process. Each is made once, however many activity attempts wait for its result.
 *
 * When Temporal is away for longer than the heartbeat timeout, it starts a second attempt of a model call that is still
 * running here. The second attempt must not pay for the call again, so it waits for the running call. A call whose last
 * attempt was cancelled goes on for a while, so that the next attempt finds it.
 */

/** How long a call goes on while no attempt waits for it. */
const LINGER_MS = 15_000;

/** A call that was started, with what the attempts that wait for it share. */
export interface StartedCall<T, W> {
  work: W;
  result: Promise<T>;
  /** Ends the call. */
  abort: AbortController;
}

interface RunningCall<T, W> extends StartedCall<T, W> {
  key: string;
  waiters: number;
  /** Runs while no attempt waits for the call. */
  linger: NodeJS.Timeout | null;
}

/** An activity attempt, as the call that it waits for sees it. */
export interface Waiter {
  /** Aborts when the attempt is cancelled, for whatever reason. */
  signal: AbortSignal;
  /** Asked after the abort: true when no later attempt will want the call in this process. */
  isFinal(): boolean;
}

/** Creates an empty set of running calls. */
export function createSingleFlight<T, W>() {
  const running = new Map<string, RunningCall<T, W>>();

  const forget = (call: RunningCall<T, W>): void => {
    if (running.get(call.key) === call) running.delete(call.key);
  };
  const end = (call: RunningCall<T, W>, reason: unknown): void => {
    forget(call);
    call.abort.abort(reason);
  };
  const stopLinger = (call: RunningCall<T, W>): void => {
    if (call.linger) clearTimeout(call.linger);
    call.linger = null;
  };
  const leave = (call: RunningCall<T, W>, waiter: Waiter): void => {
    call.waiters -= 1;
    if (call.waiters > 0) return;
    const { reason } = waiter.signal;
    if (waiter.isFinal()) end(call, reason);
    else call.linger = setTimeout(() => end(call, reason), LINGER_MS);
  };

  return {
    /** The running call of a key. */
    find: (key: string): RunningCall<T, W> | undefined => running.get(key),

    /** Adds a call that was just started. It is found until it settles or is aborted. */
    add(key: string, started: StartedCall<T, W>): RunningCall<T, W> {
      const call = { ...started, key, waiters: 0, linger: null };
      running.set(key, call);
      const settled = (): void => {
        stopLinger(call);
        forget(call);
      };
      call.result.then(settled, settled);
      return call;
    },

    /** Settles as the call does. Rejects with the reason of the waiter's signal when the signal aborts first. */
    wait(call: RunningCall<T, W>, waiter: Waiter): Promise<T> {
      stopLinger(call);
      call.waiters += 1;
      return new Promise<T>((resolve, reject) => {
        const onAbort = (): void => {
          leave(call, waiter);
          reject(waiter.signal.reason as Error);
        };
        waiter.signal.addEventListener('abort', onAbort, { once: true });
        call.result.finally(() => waiter.signal.removeEventListener('abort', onAbort)).then(resolve, reject);
      });
    },
  };
}
