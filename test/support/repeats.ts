/** How often a test repeats its scenario: seldom in `npm test`, often in `npm run soak`. */

export const isSoak = process.env.COPILOT_TEST_SOAK === '1';

/** The count for this run. `npm run soak` runs the test files that call this function. */
export const repeats = (counts: { test: number; soak: number }): number =>
  isSoak ? counts.soak : counts.test;
