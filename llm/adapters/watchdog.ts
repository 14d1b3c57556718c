/**
 * Ends a model call that is silent for too long or does not end. The SDK's own timeout covers only the time until the
 * response's headers, so a stalled stream would hang for ever. Any byte counts as a sign of life, also a provider's ping.
 */
import type { ModelSpec } from '../../models/models.ts';
import { PROVIDER } from '../../runtime/bounds.ts';
import { failure, type FailureKind } from './provider-errors.ts';

export interface StreamLimits {
  /** The longest time until the first byte of the answer, and between two bytes. */
  idleMs: number;
  /** The same for models that think without sending anything. */
  silentIdleMs: number;
  /** The longest time of the whole call. */
  totalMs: number;
  /** The most bytes of the answer, including its framing. */
  maxBytes: number;
}

export const STREAM_LIMITS: StreamLimits = PROVIDER;

export interface Watchdog {
  /** Aborts when the caller's signal does, or when a limit is met. */
  signal: AbortSignal;
  /** The global fetch with a watch on its bytes, for the SDK's client. */
  fetch: typeof fetch;
  stop(): void;
}

/** Watches one call. The abort reason of a met limit is a retryable ModelError. */
export function createWatchdog(
  caller: AbortSignal,
  model: ModelSpec | undefined,
  limits: StreamLimits = STREAM_LIMITS,
): Watchdog {
  const own = new AbortController();
  const idleMs = model?.reasonsSilently ? limits.silentIdleMs : limits.idleMs;
  let lastByte = Date.now();
  let hasBegun = false;
  let bytes = 0;
  const expire = (kind: FailureKind): void => own.abort(failure(kind));
  // One timer, which is set again when it fires. A stream has thousands of chunks, so a timer for each would cost too much.
  const check = (): void => {
    const left = lastByte + idleMs - Date.now();
    if (left > 0) idle = setTimeout(check, left);
    else expire(hasBegun ? 'cutOff' : 'notBegun');
  };
  let idle = setTimeout(check, idleMs);
  const total = setTimeout(expire, limits.totalMs, 'tooSlow');
  return {
    signal: AbortSignal.any([caller, own.signal]),
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      // A login page or a wrong address. The SDKs would read HTML as a stream without events.
      if (response.ok && response.headers.get('content-type')?.startsWith('text/html'))
        own.abort(failure('webPage'));
      if (!response.body) return response;
      const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
      const watched = new ReadableStream<Uint8Array<ArrayBuffer>>({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          lastByte = Date.now();
          hasBegun = true;
          bytes += value.byteLength;
          if (bytes > limits.maxBytes) expire('tooMuch');
          controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      });
      const { status, statusText, headers } = response;
      return new Response(watched, { status, statusText, headers });
    },
    stop() {
      clearTimeout(idle);
      clearTimeout(total);
    },
  };
}
