/** Reads the token counts that providers report, as numbers that can be billed. */

/** The highest count that is believed. The largest context windows hold some million tokens. */
const MAX_TOKENS = 1_000_000_000;

/**
 * A reported count as a whole number from 0 on; null when the value is no count. Servers behind a base URL also report
 * fractions, texts and null, which have no price and which the usage table can't store.
 */
export function readCount(reported: unknown): number | null {
  const count = typeof reported === 'string' && reported.trim() !== '' ? Number(reported) : reported;
  if (typeof count !== 'number' || !(count >= 0)) return null;
  return Math.min(MAX_TOKENS, Math.round(count));
}

/** The same, but 0 when the value is no count. */
export function countOf(reported: unknown): number {
  return readCount(reported) ?? 0;
}

/** The count of a part of `whole`, such as the cached tokens of the input: never more than the whole. */
export function partOf(whole: number, reported: unknown): number {
  return Math.min(whole, countOf(reported));
}
