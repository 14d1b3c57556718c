/** The activities of a turn: everything that has an effect. Each is idempotent; docs/architecture.md says how. */
import { createAttempts } from './attempt/attempt.ts';
import { createAskActivities } from './ask-confirmation.ts';
import type { ActivityDeps } from './deps.ts';
import { createFinishActivities } from './finish-turn.ts';
import { createModelActivities } from './call-model.ts';
import { createSettleActivities } from './settle-confirmation.ts';
import { createSummaryActivities } from './summarize-history.ts';
import { createToolActivities } from './run-tool.ts';

/** Creates all activities from what worker/ passes. */
export function createActivities(deps: ActivityDeps) {
  const runAttempt = createAttempts(deps);
  return {
    ...createModelActivities(deps, runAttempt),
    ...createSummaryActivities(deps, runAttempt),
    ...createToolActivities(deps, runAttempt),
    ...createAskActivities(deps, runAttempt),
    ...createSettleActivities(deps, runAttempt),
    ...createFinishActivities(deps, runAttempt),
  };
}
