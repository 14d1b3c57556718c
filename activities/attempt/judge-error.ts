/**
 * Decides from an attempt's error whether the activity is tried again, and when. Only failures of the call itself are
 * counted, in the call's claim. A database that is away, a deploy or a lost worker is not counted.
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { ErrorCode } from '../../contracts/errors.ts';
import { isFenceError } from '../../contracts/thrown-codes.ts';
import type { Fence } from '../../db/fence.ts';
import type { ActivityDeps } from '../deps.ts';
import { isModelError } from './thrown.ts';

/** After this many failures of the call itself, the error is final. */
export const MAX_FAILURES = 5;
/** A failed call is not tried again later than this after its first failure. */
const MAX_RETRY_MS = 20 * 60_000;
const MAX_BACKOFF_MS = 30_000;
const DATABASE_PAUSE_MS = 300;
const MAX_DATABASE_PAUSE_MS = 3_000;

export interface Verdict {
  failure: ApplicationFailure;
  /** True when the call failed and no claim counts the failure. The heartbeat counts it instead. */
  isFault: boolean;
}

/** Judges an error. Counts it in the claim when the call itself failed. */
export async function judge(
  deps: Pick<ActivityDeps, 'store' | 'logger'>,
  attempt: { error: unknown; fence: Fence | null; number: number; faults: number },
): Promise<Verdict> {
  const { error, fence } = attempt;
  const verdict = (failure: ApplicationFailure, isFault = false): Verdict => ({ failure, isFault });
  if (error instanceof ApplicationFailure) return verdict(error);
  switch (isFenceError(error) ? error.code : null) {
    case 'TURN_GONE':
      return verdict(
        final('workflow_gone', 'The session or its workflow was deleted while the copilot worked.'),
      );
    case 'TURN_OVER':
      // finishTurn finds the stored end and returns it.
      return verdict(final('TurnOver', 'The turn has already ended.'));
    case 'FENCED':
      // The next attempt finds the newer claim's result, or the end of the turn.
      return verdict(again('Superseded', 'Another attempt has taken over.', 1_000));
  }
  if (deps.store.isTransient(error)) {
    const pauseMs = Math.min(MAX_DATABASE_PAUSE_MS, DATABASE_PAUSE_MS * 2 ** (attempt.number - 1));
    return verdict(again('DatabaseUnavailable', 'The database is not reachable.', pauseMs));
  }
  const { code, message, retryable, retryAfterMs, status } = isModelError(error) ? error : UNEXPECTED;
  if (!isModelError(error))
    deps.logger.error(
      { err: error, turn: fence?.turnId, key: fence?.key },
      'an activity failed unexpectedly',
    );
  if (!retryable) return verdict(final(code, message));
  const counted = await count(deps, fence);
  const failures = counted?.failures ?? attempt.faults + 1;
  const delayMs = retryAfterMs ?? backoffMs(failures);
  const isLate = failures > 1 && (counted?.sinceMs ?? 0) + delayMs > MAX_RETRY_MS;
  const isFault = counted === null;
  if (failures >= MAX_FAILURES || isLate) return verdict(final(code, message), isFault);
  return verdict(again(code, message, delayMs, [{ status }]), isFault);
}

const UNEXPECTED = {
  code: 'internal',
  message: 'The copilot failed unexpectedly. What it did so far is kept; please try again.',
  retryable: true,
  retryAfterMs: null,
  status: null,
} as const;

/** Counts a failure in its claim. Null when that is impossible: without a claim, or without an answer of the database. */
async function count(deps: Pick<ActivityDeps, 'store' | 'logger'>, fence: Fence | null) {
  if (fence === null) return null;
  return deps.store.recordFailure(fence).catch((error: unknown) => {
    deps.logger.warn({ err: error, turn: fence.turnId, key: fence.key }, 'a failure could not be counted');
    return null;
  });
}

/** A failure with which the activity fails for good: Temporal does not retry it. */
export function final(type: ErrorCode | 'TurnOver', message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}

function again(type: string, message: string, delayMs: number, details: unknown[] = []): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nextRetryDelay: delayMs, details });
}

/** 1, 2, 4 ... seconds, less up to half as jitter, so that calls that failed together do not return together. */
function backoffMs(failures: number): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, 1_000 * 2 ** (failures - 1));
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}
