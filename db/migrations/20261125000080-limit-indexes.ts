/** Indexes for what the limits and budgets count. */
import type { ConcurrentIndex } from '../schema/concurrent-index.ts';

export const indexes: readonly ConcurrentIndex[] = [
  {
    name: 'copilot_turns_principal_idx',
    table: 'copilot_turns',
    on: `(principal) where status in ('starting', 'running')`,
  },
  { name: 'copilot_usage_principal_idx', table: 'copilot_usage', on: '(principal, created_at)' },
  { name: 'copilot_usage_session_idx', table: 'copilot_usage', on: '(session_id)' },
];
