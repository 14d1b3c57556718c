/** How long to wait before the next try, and the waiting. */

/** The longest pause that the client makes of its own accord. */
const MAX_PAUSE_MS = 30_000;
/** The longest one that it makes because the service asks for it. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/**
 * The bound grows with every failure in a row, and the pause is drawn from zero to the bound, so that the clients of a
 * service that comes back do not all return at once. What the service asks for is waited for in full, and a little more.
 */
export function pauseBefore(options: {
  /** In a row, before this one. */
  failures: number;
  /** The bound of the first pause. */
  retryMs: number;
  retryAfterMs: number | null;
}): number {
  const { failures, retryMs, retryAfterMs } = options;
  if (retryAfterMs !== null && retryAfterMs > 0)
    return Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) + Math.random() * retryMs;
  return Math.random() * Math.min(MAX_PAUSE_MS, retryMs * 2 ** Math.min(failures, 20));
}

/** Resolves after a time, when the signal says so, or when the browser is online again. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const scope: unknown = globalThis;
    const page = scope instanceof EventTarget ? scope : null;
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      page?.removeEventListener('online', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    page?.addEventListener('online', end);
  });
}
