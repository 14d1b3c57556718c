/** Writes an event's payload for the database: JSON text without `event` and `seq`, always on one line. */
import type { TurnEvent } from '../../contracts/events.ts';

// JSON allows these characters unescaped, but some readers (Python's str.splitlines among them) break lines at them.
const LINE_BREAKS = /[\u0085\u2028\u2029]/g;

/**
 * The payload column of an event; `diffJson` is the workflow_diff of a complete event, as JSON text. NUL, which Postgres
 * can't store, and lone surrogates, which UTF-8 can't hold, become U+FFFD.
 */
export function toPayload(event: TurnEvent, diffJson: string | null = null): string {
  const { event: name, ...payload } = event;
  const isEnd = name === 'complete' && diffJson !== null;
  const text = JSON.stringify(
    isEnd ? { ...payload, workflow_diff: undefined } : payload,
    (_key, value: unknown) =>
      typeof value === 'string' ? value.toWellFormed().replaceAll('\u0000', '\uFFFD') : value,
  );
  const whole = isEnd ? `${text.slice(0, -1)},"workflow_diff":${diffJson}}` : text;
  return whole.replace(LINE_BREAKS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
