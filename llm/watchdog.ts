/**
 * Ends a model call that has gone silent. The SDK's own timeout stops at the response's headers, and a stalled stream
 * would hang for ever.
 */
import { ModelError } from './types.ts';

export interface StreamLimits {
  /** Until the first byte of the answer. */
  firstByteMs: number;
  /** Between two events. Models fall silent for over a minute while they write arguments. */
  idleMs: number;
  /** The whole call. */
  totalMs: number;
}

export const STREAM_LIMITS: StreamLimits = { firstByteMs: 60_000, idleMs: 120_000, totalMs: 600_000 };

export interface Watchdog {
  /** Aborts when the caller's signal does, or when a limit is met. */
  signal: AbortSignal;
  /** To be called for every event. */
  alive(): void;
  stop(): void;
}

/** Watches one call. The abort reason of a met limit is a retryable ModelError. */
export function createWatchdog(caller: AbortSignal, limits: StreamLimits): Watchdog {
  const own = new AbortController();
  const expire = (what: string): void =>
    own.abort(new ModelError(`The model ${what}`, { code: 'model_unavailable', retryable: true }));
  let idle = setTimeout(expire, limits.firstByteMs, 'did not begin to answer');
  const total = setTimeout(expire, limits.totalMs, 'took too long to answer');
  let lastEvent = Date.now();
  let started = false;
  // One timer that moves on when it fires, not one per event: a stream has thousands of them.
  const check = (): void => {
    const left = lastEvent + limits.idleMs - Date.now();
    if (left <= 0) expire('stopped in the middle of its answer');
    else idle = setTimeout(check, left);
  };
  return {
    signal: AbortSignal.any([caller, own.signal]),
    alive() {
      lastEvent = Date.now();
      if (started) return;
      started = true;
      clearTimeout(idle);
      idle = setTimeout(check, limits.idleMs);
    },
    stop() {
      clearTimeout(idle);
      clearTimeout(total);
    },
  };
}
