/** One activity attempt: its heartbeat, its cancellation, its claim, and how its errors reach Temporal. */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { AttemptHeartbeat } from '../../contracts/turn.ts';
import type { Claim } from '../../db/turns/claims.ts';
import type { Fence } from '../../db/fence.ts';
import type { ActivityDeps } from '../deps.ts';
import { judge } from './judge-error.ts';
import type { Passenger } from './single-flight.ts';
import { createSuspects } from './suspects.ts';

const HEARTBEAT_MS = 800;
/**
 * Deaths from which on a call runs alone. A tool call is soon done; model calls take long, and all of a killed worker must
 * go on at once.
 */
const TOOL_IS_SUSPECT = 1;
const MODEL_IS_SUSPECT = 3;

/** What an attempt's work has come to. Attempts that share one flight share its work. */
export interface Work {
  /** Told with each heartbeat. */
  details: object;
  /** The claim under which it works; null before it. */
  fence: Fence | null;
}

/** An activity attempt as its work sees it. */
export interface Attempt extends Passenger {
  work: Work;
  /** Attempts of this activity that ended without a word: their workers were lost, or stood still. */
  lost: number;
  /** Which attempt this is, from 1. */
  number: number;
  /** Claims the attempt's work. A call with which workers were lost before waits until no other such call runs here. */
  claim(input: Omit<Parameters<ActivityDeps['store']['claimWork']>[0], 'over'>): Promise<Claim>;
}

export type RunAttempt = <T>(work: (attempt: Attempt) => Promise<T>) => Promise<T>;

/**
 * Creates the function that runs attempts: it heartbeats from the first line to the last and translates what the work
 * throws. The last heartbeat of an attempt that fails is its word: which claim it leaves. Temporal hands it to the next
 * attempt, so that a death (no word) is told from a failure even while the database is away.
 */
export function createAttempts(deps: Pick<ActivityDeps, 'store' | 'logger'>): RunAttempt {
  const tools = { queue: createSuspects(), deaths: TOOL_IS_SUSPECT };
  const models = { queue: createSuspects(), deaths: MODEL_IS_SUSPECT };
  return async (run) => {
    const context = Context.current();
    const before = (context.info.heartbeatDetails ?? {}) as Partial<AttemptHeartbeat>;
    // Attempts of which nothing is known, as of an older release, are not taken for lost ones.
    const { over = null, words = context.info.attempt - 1, faults = 0 } = before;
    const gate: { leave: (() => void) | null } = { leave: null };
    const attempt: Attempt = {
      work: { details: {}, fence: null },
      signal: context.cancellationSignal,
      number: context.info.attempt,
      lost: Math.max(0, context.info.attempt - 1 - words),
      isFinal() {
        const cancellation = context.cancellationDetails;
        return cancellation === undefined || cancellation.cancelRequested || cancellation.workerShutdown;
      },
      async claim(input) {
        const { work } = attempt;
        const { turnId, key } = input;
        if (attempt.number > 1 && gate.leave === null) {
          const { queue, deaths } = key.startsWith('call:') ? tools : models;
          if (await deps.store.isSuspect({ turnId, key, over, deaths }))
            gate.leave = await queue.enter(attempt.signal);
        }
        const claim = await deps.store.claimWork({ ...input, over });
        work.fence = claim.fence;
        return claim;
      },
    };
    const heartbeat = (word: AttemptHeartbeat): void =>
      context.heartbeat({ ...attempt.work.details, ...word });
    const beat = (): void => heartbeat({ over, words, faults });
    beat();
    const timer = setInterval(beat, HEARTBEAT_MS);
    try {
      return await run(attempt);
    } catch (error: unknown) {
      const { fence } = attempt.work;
      const verdict = context.cancellationSignal.aborted
        ? { failure: toCancellation(context), isFault: false }
        : await judge(deps, { error, fence, number: attempt.number, faults });
      heartbeat({
        over: fence?.epoch ?? over,
        words: words + 1,
        faults: faults + (verdict.isFault ? 1 : 0),
      });
      throw verdict.failure;
    } finally {
      clearInterval(timer);
      gate.leave?.();
    }
  };
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
