/** How often a test repeats what it does: seldom in `npm test`, often in `npm run soak`. */

export const isSoak = process.env.COPILOT_TEST_SOAK === '1';

/** The count that holds for this run. A test file that calls this is run by both commands. */
export const repeats = (counts: { test: number; soak: number }): number =>
  isSoak ? counts.soak : counts.test;
