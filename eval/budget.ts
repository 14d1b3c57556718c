/** The budget of `npm run eval -- --budget`: what the trials of all variants have cost so far. */

export interface Budget {
  /** Adds the cost of a trial. Null for a trial without a price, which adds nothing. */
  add(costUsd: number | null): void;
  spentUsd(): number;
  /** Whether nothing is left. */
  isSpent(): boolean;
}

/** Creates a budget in US dollars; null for no limit. */
export function createBudget(limitUsd: number | null): Budget {
  let spent = 0;
  return {
    add: (costUsd) => void (spent += costUsd ?? 0),
    spentUsd: () => spent,
    isSpent: () => limitUsd !== null && spent >= limitUsd,
  };
}
