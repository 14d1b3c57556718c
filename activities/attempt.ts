/** One activity attempt: its heartbeat, its cancellation, and how its errors reach Temporal. */
import { ApplicationFailure, CancelledFailure, Context, type Info } from '@temporalio/activity';
import type { ErrorCode } from '../contracts/names.ts';
import type { ModelError } from '../llm/types.ts';
import type { ActivityDeps } from './deps.ts';
import type { Passenger } from './single-flight.ts';

const HEARTBEAT_MS = 800;
/** Failed attempts of one activity after which the turn ends with its error. A worker's death is not a failure. */
const MAX_FAILURES = 5;
/** Since the activity was scheduled: a failed model call is not tried again later than this. */
const MAX_RETRY_MS = 20 * 60_000;
const MAX_BACKOFF_MS = 30_000;

/**
 * Runs an attempt: heartbeats from the first line to the last, translates what it throws.
 * `details` is read at each heartbeat.
 */
export async function runAttempt<T>(
  deps: Pick<ActivityDeps, 'store' | 'logger'>,
  details: () => unknown,
  work: (passenger: Passenger) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  context.heartbeat(details());
  const timer = setInterval(() => context.heartbeat(details()), HEARTBEAT_MS);
  const isFinal = (): boolean => {
    const cancellation = context.cancellationDetails;
    return cancellation === undefined || cancellation.cancelRequested || cancellation.workerShutdown;
  };
  try {
    return await work({ signal: context.cancellationSignal, isFinal });
  } catch (error: unknown) {
    if (context.cancellationSignal.aborted) throw toCancellation(context);
    throw toFailure(deps, context.info, error);
  } finally {
    clearInterval(timer);
  }
}

/** A worker that shuts down hands its work over at once; every other cancellation is Temporal's own. */
function toCancellation(context: Context): Error {
  if (context.cancellationDetails?.workerShutdown) {
    return ApplicationFailure.create({
      type: 'WorkerShutdown',
      message: 'The worker is shutting down; another one goes on.',
      nextRetryDelay: '1ms',
    });
  }
  return new CancelledFailure('cancelled');
}

function toFailure(
  deps: Pick<ActivityDeps, 'store' | 'logger'>,
  { attempt, scheduledTimestampMs: scheduledMs }: Info,
  error: unknown,
): Error {
  if (error instanceof ApplicationFailure) return error;
  const code = (error as { code?: unknown }).code;
  if (code === 'TURN_GONE') {
    return final('workflow_gone', 'The session or its workflow was deleted while the copilot worked.');
  }
  if (code === 'FENCED') return final('internal', 'The turn has already ended.');
  if (isModelError(error)) {
    const delayMs = error.retryAfterMs ?? backoffMs(attempt);
    const isLate = attempt > 1 && Date.now() + delayMs > scheduledMs + MAX_RETRY_MS;
    if (!error.retryable || attempt >= MAX_FAILURES || isLate) return final(error.code, error.message);
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nextRetryDelay: delayMs,
      details: [{ status: error.status }],
    });
  }
  if (deps.store.isConnectionError(error)) {
    return ApplicationFailure.create({
      type: 'DatabaseUnavailable',
      message: 'The database is not reachable.',
      nextRetryDelay: '300ms',
    });
  }
  deps.logger.error({ err: error }, 'an activity failed unexpectedly');
  const message = 'The copilot failed unexpectedly. What it did so far is kept; please try again.';
  if (attempt >= MAX_FAILURES) return final('internal', message);
  return ApplicationFailure.create({ type: 'internal', message, nextRetryDelay: backoffMs(attempt) });
}

function final(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: true });
}

/** 1, 2, 4 ... seconds, halved at most by jitter, so that a crowd that failed together does not return together. */
function backoffMs(attempt: number): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, 1_000 * 2 ** (attempt - 1));
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}

function isModelError(error: unknown): error is ModelError {
  return error instanceof Error && error.name === 'ModelError';
}
