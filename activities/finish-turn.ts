/** finishTurn: the one place where a turn ends. */
import { ApplicationFailure } from '@temporalio/activity';
import { codeOf, isFenceError } from '../contracts/thrown-codes.ts';
import type { FinishTurnInput } from '../contracts/turn.ts';
import type { TurnEnd } from '../db/turns/end-turn.ts';
import type { Attempt, RunAttempt } from './attempt/attempt.ts';
import type { ActivityDeps } from './deps.ts';

/** From this attempt on, each failure is logged as an error. */
const ALARM_AFTER = 5;
const FIRST_PAUSE_MS = 300;
const MAX_PAUSE_MS = 10_000;
/** After this many lost workers the turn ends without its diff, the only part of the end that can be too large. */
const MAX_DEATHS = 5;
/** An attempt must end, and report its end, before Temporal takes it for a lost worker. */
const LIMIT_MS = 20_000;

/** Creates the finishing activity. */
export function createFinishActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  return {
    /**
     * Ends the turn, or returns how it ended. A turn whose session was deleted has ended as cancelled. Temporal tries this
     * activity until it succeeds, with growing pauses.
     */
    async finishTurn(input: FinishTurnInput): Promise<TurnEnd> {
      return runAttempt((attempt) => finish(deps, input, attempt));
    },
  };
}

async function finish(deps: ActivityDeps, input: FinishTurnInput, attempt: Attempt): Promise<TurnEnd> {
  const { turnId, steps } = input;
  try {
    const end = await within(LIMIT_MS, endTruly(deps, input, attempt));
    deps.logger.info({ turn: turnId, steps, ...end }, 'turn ended');
    return end;
  } catch (error: unknown) {
    if (isFenceError(error) && error.code === 'TURN_GONE')
      return { status: 'cancelled', stopReason: 'cancelled' };
    if (attempt.number >= ALARM_AFTER)
      deps.logger.error(
        { err: error, turn: turnId, attempt: attempt.number },
        'the end of a turn is not stored yet',
      );
    throw ApplicationFailure.create({
      type: 'TurnNotEnded',
      message: 'The end of the turn could not be stored yet.',
      nextRetryDelay: Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt.number - 1)),
    });
  }
}

class DiffError extends Error {}

/**
 * Ends the turn with its outcome. When the diff can't be computed, the turn ends as failed: a reader must not think that
 * nothing was changed.
 */
async function endTruly(deps: ActivityDeps, input: FinishTurnInput, attempt: Attempt): Promise<TurnEnd> {
  if (attempt.lost < MAX_DEATHS) {
    try {
      return await deps.store.endTurn({
        ...input,
        diff: (base, working) => diffTexts(deps, { base, working }, attempt),
      });
    } catch (error: unknown) {
      if (!(error instanceof DiffError)) throw error;
      deps.logger.error(
        { err: error.cause, turn: input.turnId },
        'the changes of a turn could not be computed',
      );
    }
  }
  return deps.store.endTurn({
    ...input,
    outcome: {
      kind: 'error',
      code: 'internal',
      message:
        'What the copilot changed could not be worked out, so nothing of it can be applied. Its text is kept.',
    },
    diff: () => null,
  });
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The turn's diff. Throws DiffError when it can't be computed, and the pool's own error when a retry may succeed. */
async function diffTexts(
  deps: ActivityDeps,
  graphs: { base: string; working: string },
  attempt: Attempt,
): Promise<string | null> {
  try {
    return await deps.heavy.diffGraphs(graphs);
  } catch (error: unknown) {
    const code = codeOf(error);
    if (code === 'POOL_BUSY' || (code === 'TASK_TIMEOUT' && attempt.number < ALARM_AFTER)) throw error;
    throw new DiffError('no diff', { cause: error });
  }
}
