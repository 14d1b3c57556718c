/**
 * Guards that tell thrown errors apart by their codes. The class can't be checked in a room that imports it only as a type,
 * nor for an error that was copied from a thread.
 */

/** Why a write of a turn was refused (db/fence.ts). */
export type FenceCode = 'FENCED' | 'TURN_OVER' | 'TURN_GONE';

const FENCE_CODES: ReadonlySet<string> = new Set<FenceCode>(['FENCED', 'TURN_OVER', 'TURN_GONE']);

/** The code of any thrown value: one of ours, one of Node's or an SQLSTATE. Null when the value has none. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether a write of a turn was refused. */
export function isFenceError(error: unknown): error is Error & { code: FenceCode } {
  return FENCE_CODES.has(codeOf(error) ?? '');
}

/** Whether a task needed more time or memory than a thread of the pool may use. A retry would fail too. */
export function isTaskTooLarge(error: unknown): boolean {
  return ['TASK_TIMEOUT', 'ERR_WORKER_OUT_OF_MEMORY'].includes(codeOf(error) ?? '');
}
