import { ApplicationFailure } from '@temporalio/activity';
import { isErrorCode } from '../../contracts/errors.ts';
import { isFenceError } from '../../contracts/thrown-codes.ts';
import type { CallResult } from '../../db/turns/usage-rows.ts';
import { isModelError } from './thrown.ts';

/** How a call that threw ended. `signal` is the request's. */
export function resultOf(error: unknown, signal: AbortSignal): CallResult {
  if (signal.aborted || isFenceError(error)) return 'cancelled';
  if (isModelError(error)) return error.code;
  return error instanceof ApplicationFailure && isErrorCode(error.type) ? error.type : 'internal';
}
