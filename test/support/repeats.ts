/** How often a test repeats its scenario: seldom in `npm test`, often in `npm run soak`. */

/** The part of the long counts that this run makes: 0 in `npm test`, COPILOT_SOAK_SHARE (1) in `npm run soak`. */
const share = Number(process.env.COPILOT_TEST_SOAK ?? 0);

/** True when this run makes a part of the long counts at least. */
export const isLong = share > 0;

/** True when this run makes the whole long counts. */
export const isSoak = share === 1;

/** The count for this run. `npm run soak` runs the test files that call this function. */
export const repeats = (counts: { test: number; soak: number }): number =>
  Math.round(counts.test + (counts.soak - counts.test) * share);
