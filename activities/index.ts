/** The activities of a turn: everything with an effect. Each is idempotent; docs/architecture.md says how. */
import { createAttempts } from './attempt.ts';
import { createConfirmationActivities } from './confirmation.ts';
import type { ActivityDeps } from './deps.ts';
import { createFinishActivities } from './finish.ts';
import { createModelActivities } from './model.ts';
import { createSummaryActivities } from './summary.ts';
import { createToolActivities } from './tools.ts';

/** Creates all activities from what worker/ gives. */
export function createActivities(deps: ActivityDeps) {
  const runAttempt = createAttempts(deps);
  return {
    ...createModelActivities(deps, runAttempt),
    ...createSummaryActivities(deps, runAttempt),
    ...createToolActivities(deps, runAttempt),
    ...createConfirmationActivities(deps, runAttempt),
    ...createFinishActivities(deps, runAttempt),
  };
}
