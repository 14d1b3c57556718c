/** What providers report of a call's tokens, as numbers that can be billed. */

/** No call has more: the largest windows hold some million tokens. */
const MAX_TOKENS = 1_000_000_000;

/**
 * A reported count as a whole number that is not negative. Servers behind a base URL report fractions, texts and null as
 * well: a price can't be made of these, and a ledger can't store them. Null for what is no count.
 */
export function readCount(reported: unknown): number | null {
  const count = typeof reported === 'string' && reported.trim() !== '' ? Number(reported) : reported;
  if (typeof count !== 'number' || !(count >= 0)) return null;
  return Math.min(MAX_TOKENS, Math.round(count));
}

/** The same; 0 for what is no count. */
export function countOf(reported: unknown): number {
  return readCount(reported) ?? 0;
}
