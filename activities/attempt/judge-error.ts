/**
 * What an attempt's error means for its activity: try again, and when, or give up. Only what the call itself did counts
 * against it, in its claim; a database that is away, a deploy or a death never does.
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { ErrorCode } from '../../contracts/errors.ts';
import { isFenceError } from '../../contracts/thrown-codes.ts';
import type { Fence } from '../../db/fence.ts';
import type { ActivityDeps } from '../deps.ts';
import { isModelError } from './thrown.ts';

/** Calls that failed by themselves after which the error is final. */
export const MAX_FAILURES = 5;
/** Since the first failure: a failed call is not tried again later than this. */
const MAX_RETRY_MS = 20 * 60_000;
const MAX_BACKOFF_MS = 30_000;
const DATABASE_PAUSE_MS = 300;
const MAX_DATABASE_PAUSE_MS = 3_000;

export interface Verdict {
  failure: ApplicationFailure;
  /** True for a failure that no claim counts. */
  isFault: boolean;
}

/** Judges an error; counts it in the claim when the call itself failed. */
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
      // The turn's end is stored, and finishing gives that one back.
      return verdict(final('TurnOver', 'The turn has already ended.'));
    case 'FENCED':
      // The newer claim's result counts; the next attempt finds it, or that the turn has ended.
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

/** Null: there is no claim to count it in, or the database does not answer; the heartbeat's count is taken then. */
async function count(deps: Pick<ActivityDeps, 'store' | 'logger'>, fence: Fence | null) {
  if (fence === null) return null;
  return deps.store.recordFailure(fence).catch((error: unknown) => {
    deps.logger.warn({ err: error, turn: fence.turnId, key: fence.key }, 'a failure could not be counted');
    return null;
  });
}

/** An activity's last word: no retry. */
export function final(type: ErrorCode | 'TurnOver', message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}

function again(type: string, message: string, delayMs: number, details: unknown[] = []): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nextRetryDelay: delayMs, details });
}

/** 1, 2, 4 ... seconds, halved at most by jitter, so that a crowd that failed together does not return together. */
function backoffMs(failures: number): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, 1_000 * 2 ** (failures - 1));
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}
