/** Errors of the rooms that activities see only as types, known by the names of their classes. */
import type { SqlRefusal } from '../../db/sql-sandbox/sql-refusal.ts';
import type { ModelError, ModelUsage } from '../../llm/types.ts';

/** Whether a model call failed. */
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
