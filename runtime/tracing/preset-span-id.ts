/**
 * Span ids that are known before their span is made. A turn's workflow has no span while it runs, because any worker may run
 * its next part. Its activities name the span that is made when the workflow ends.
 */

let preset: string | null = null;

/** Runs `make`. The first span that it makes gets this id. */
export function withSpanId<T>(spanId: string, make: () => T): T {
  preset = spanId;
  try {
    return make();
  } finally {
    preset = null;
  }
}

/** The id that the span which is being made gets; null when it may have any. */
export function takeSpanId(): string | null {
  const taken = preset;
  preset = null;
  return taken;
}
