/** A run of retention, which a schedule of Temporal starts (worker/retention-schedule.ts). */
import { proxyActivities } from '@temporalio/workflow';
import type { createRetentionActivities } from '../activities/delete-expired.ts';
import type { RetentionInput, RetentionResult } from '../contracts/retention.ts';

/** A run makes this many activities at most, each of 20 s, so that its history stays short. The next run goes on. */
const MAX_ROUNDS = 30;

const { deleteExpired } = proxyActivities<ReturnType<typeof createRetentionActivities>>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1s', maximumInterval: '1 minute' },
});

/** Deletes what has expired. Returns how much. */
export async function retention(input: RetentionInput): Promise<RetentionResult> {
  const done: RetentionResult = { turns: 0, sessions: 0 };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { turns, sessions, more } = await deleteExpired(input);
    done.turns += turns;
    done.sessions += sessions;
    if (!more) break;
  }
  return done;
}
