/**
 * Codes of thrown errors that another room tells apart. A room that sees the class only as a type, or an error that was
 * copied from a thread, is known by its code.
 */

/** Why a write of a turn was refused (db/fence.ts). */
export type FenceCode = 'FENCED' | 'TURN_OVER' | 'TURN_GONE';

const FENCE_CODES: ReadonlySet<string> = new Set<FenceCode>(['FENCED', 'TURN_OVER', 'TURN_GONE']);

/** The code of an error, whoever made it: ours, Node's or an SQLSTATE. Null when it has none. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether a write of a turn was refused. */
export function isFenceError(error: unknown): error is Error & { code: FenceCode } {
  return FENCE_CODES.has(codeOf(error) ?? '');
}

/** Whether a task took more time or memory than a thread of the pool has: the task itself is too large. */
export function isTaskTooLarge(error: unknown): boolean {
  return ['TASK_TIMEOUT', 'ERR_WORKER_OUT_OF_MEMORY'].includes(codeOf(error) ?? '');
}
