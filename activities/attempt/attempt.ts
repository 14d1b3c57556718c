/** One activity attempt: its heartbeat, its cancellation, its claim, and how its errors reach Temporal. */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { trace } from '@opentelemetry/api';
import type { AttemptHeartbeat } from '../../contracts/turn.ts';
import type { Claim } from '../../db/turns/claims.ts';
import type { Fence } from '../../db/fence.ts';
import type { ActivityDeps } from '../deps.ts';
import { judge } from './judge-error.ts';
import type { Waiter } from './single-flight.ts';
import { createSuspects, type Suspects } from './suspects.ts';

const HEARTBEAT_MS = 800;
/**
 * The number of lost workers from which on a call runs alone. A tool call takes a short time. Model calls take long, and
 * after one lost worker all its model calls must go on at once.
 */
const TOOL_IS_SUSPECT = 1;
const MODEL_IS_SUSPECT = 3;

/** What an attempt works on. Attempts that wait for the same call share this object. */
export interface Work {
  /** Sent with each heartbeat. */
  details: object;
  /** The newest claim of the work; null before it is claimed. */
  fence: Fence | null;
}

export type ClaimInput = Omit<Parameters<ActivityDeps['store']['claimWork']>[0], 'over'>;

/** An activity attempt, as the code that it runs sees it. */
export interface Attempt extends Waiter {
  work: Work;
  /** How many earlier attempts of this activity did not report their end: their workers were lost, or stood still. */
  lost: number;
  /** The number of this attempt, from 1. */
  number: number;
  /** Claims the attempt's work. A call with which workers were lost first waits until no other such call runs here. */
  claim: (input: ClaimInput) => Promise<Claim>;
}

export type RunAttempt = <T>(run: (attempt: Attempt) => Promise<T>) => Promise<T>;

interface SuspectQueue {
  queue: Suspects;
  /** The number of lost workers from which on a call enters the queue. */
  deaths: number;
}

type SuspectQueues = Record<'tools' | 'models', SuspectQueue>;

/** Creates the function that runs activity attempts. */
export function createAttempts(deps: Pick<ActivityDeps, 'store' | 'logger' | 'metrics'>): RunAttempt {
  const queues: SuspectQueues = {
    tools: { queue: createSuspects(), deaths: TOOL_IS_SUSPECT },
    models: { queue: createSuspects(), deaths: MODEL_IS_SUSPECT },
  };
  return (run) => runAttempt(deps, queues, run);
}

/**
 * Runs an attempt: heartbeats until it ends, and translates its error for Temporal. The last heartbeat of a failing attempt
 * reports its end and its claim. Temporal gives that heartbeat to the next attempt, which can therefore tell a failure from
 * a lost worker even while the database is away.
 */
async function runAttempt<T>(
  deps: Pick<ActivityDeps, 'store' | 'logger' | 'metrics'>,
  queues: SuspectQueues,
  run: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const reported = reportedBefore(context);
  const { attempt, leaveQueue } = openAttempt(deps, queues, context, reported);
  if (attempt.lost > 0)
    trace.getActiveSpan()?.addEvent('worker lost', { 'copilot.workers_lost': attempt.lost });
  const heartbeat = (report: AttemptHeartbeat): void =>
    context.heartbeat({ ...attempt.work.details, ...report });
  heartbeat(reported);
  const timer = setInterval(heartbeat, HEARTBEAT_MS, reported);
  const stopWatch = deps.metrics.activity.startTimer({ activity: context.info.activityType });
  try {
    return await run(attempt);
  } catch (error: unknown) {
    const { fence } = attempt.work;
    const { faults } = reported;
    const { failure, isFault } = context.cancellationSignal.aborted
      ? { failure: toCancellation(context), isFault: false }
      : await judge(deps, { error, fence, number: attempt.number, faults });
    heartbeat({
      over: fence?.epoch ?? reported.over,
      words: reported.words + 1,
      faults: faults + (isFault ? 1 : 0),
    });
    if (failure instanceof ApplicationFailure && !failure.nonRetryable)
      deps.metrics.retries.inc({ code: failure.type ?? 'unknown' });
    throw failure;
  } finally {
    stopWatch();
    clearInterval(timer);
    leaveQueue();
  }
}

/** What earlier attempts reported. Attempts of a release before these reports are not counted as lost workers. */
function reportedBefore({ info }: Context): AttemptHeartbeat {
  const before = (info.heartbeatDetails ?? {}) as Partial<AttemptHeartbeat>;
  const { over = null, words = info.attempt - 1, faults = 0 } = before;
  return { over, words, faults };
}

function openAttempt(
  deps: Pick<ActivityDeps, 'store'>,
  queues: SuspectQueues,
  context: Context,
  { over, words }: AttemptHeartbeat,
): { attempt: Attempt; leaveQueue: () => void } {
  let leave: (() => void) | null = null;
  const waitIfSuspect = async (turnId: string, key: string): Promise<void> => {
    if (attempt.number === 1 || leave !== null) return;
    const { queue, deaths } = key.startsWith('call:') ? queues.tools : queues.models;
    if (await deps.store.isSuspect({ turnId, key, over, deaths })) leave = await queue.enter(attempt.signal);
  };
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
      await waitIfSuspect(input.turnId, input.key);
      const claim = await deps.store.claimWork({ ...input, over });
      work.fence = claim.fence;
      return claim;
    },
  };
  return { attempt, leaveQueue: () => leave?.() };
}

/** A worker that shuts down hands its work over at once. Every other cancellation comes from Temporal. */
export function toCancellation(context: Context): Error {
  if (context.cancellationDetails?.workerShutdown) {
    return ApplicationFailure.create({
      type: 'WorkerShutdown',
      message: 'The worker is shutting down; another one goes on.',
      nextRetryDelay: '1ms',
    });
  }
  return new CancelledFailure('cancelled');
}
