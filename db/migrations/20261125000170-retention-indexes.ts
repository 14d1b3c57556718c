/** The index by which retention finds the ended turns that it has not purged, oldest first. */
import type { ConcurrentIndex } from '../schema/concurrent-index.ts';

export const indexes: readonly ConcurrentIndex[] = [
  {
    name: 'copilot_turns_unpurged_idx',
    table: 'copilot_turns',
    on: '(finished_at, id) where finished_at is not null and purged_at is null',
  },
];
