/** How long to wait before the next try. */

/** The longest pause that the client makes of its own accord. */
const MAX_PAUSE_MS = 30_000;
/** What the service may ask for at most. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/**
 * Grows with every failure in a row, and is drawn from zero to its bound, so that many clients of a service that comes back do
 * not all return at once. What the service asks for is waited for in full.
 */
export function pauseBefore(options: {
  failures: number;
  retryMs: number;
  retryAfterMs: number | null;
  random?: () => number;
}): number {
  const { failures, retryMs, retryAfterMs, random = Math.random } = options;
  const asked = Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
  const bound = Math.min(MAX_PAUSE_MS, retryMs * 2 ** Math.min(failures, 20));
  return asked + random() * (asked > 0 ? Math.min(bound, retryMs) : bound);
}

/** Resolves after a time, or when the signal says so. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
