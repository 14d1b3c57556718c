/** How tests wait for what happens beside them. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  /** How long the condition may take; 60 s unless said otherwise. */
  limitMs?: number;
  /** Between two looks; 20 ms unless said otherwise. */
  everyMs?: number;
}

/** Looks until the condition is met. Fails with `what` after the limit. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patience: Patience = {},
): Promise<void> {
  await untilValue(what, condition, Boolean, patience);
}

/** Reads until the value is right, and returns that value. Fails with `what` and the last value after the limit. */
export async function untilValue<T>(
  what: string,
  read: () => T | Promise<T>,
  isRight: (value: T) => boolean,
  { limitMs = 60_000, everyMs = 20 }: Patience = {},
): Promise<T> {
  for (const end = Date.now() + limitMs; ; await delay(everyMs)) {
    const value = await read();
    if (isRight(value)) return value;
    assert.ok(Date.now() < end, `not within ${limitMs} ms: ${what}; last: ${JSON.stringify(value)}`);
  }
}
