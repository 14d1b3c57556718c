/** Guards for errors of db/ and llm/. Activities see these rooms only as types, so the guards compare the class names. */
import type { SqlRefusal } from '../../db/sql-sandbox/sql-refusal.ts';
import type { ModelError, ModelUsage } from '../../llm/types.ts';

/** Whether an error is the failure of a model call. */
export function isModelError(error: unknown): error is ModelError {
  return error instanceof Error && error.name === 'ModelError';
}

/** Whether a provider found a request too long. */
export function isOverflow(error: unknown): boolean {
  return isModelError(error) && error.code === 'context_overflow';
}

/** The tokens that the provider reported before a call failed; null when it reported none. */
export function spentOn(error: unknown): ModelUsage | null {
  return isModelError(error) ? error.usage : null;
}

/** Whether the SQL sandbox refused a query. */
export function isSqlRefusal(error: unknown): error is SqlRefusal {
  return error instanceof Error && error.name === 'SqlRefusal';
}
