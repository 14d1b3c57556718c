/** What the activities that call a model share: one call in a process, and what their heartbeats tell. */
import type { ModelHeartbeat } from '../../contracts/turn.ts';
import type { Claim } from '../../db/turns/claims.ts';
import type { Attempt, RunAttempt, Work } from './attempt.ts';
import type { ActivityDeps } from '../deps.ts';
import { final } from './judge-error.ts';
import { createSingleFlight } from './single-flight.ts';

const CHARACTERS_PER_TOKEN = 4;
/** Workers lost with a model call after which it is not made again. It takes long, so more of them die by chance. */
const MAX_MODEL_DEATHS = 5;

/** A model call as its work sees it: the attempt that began it, and the heartbeat that all who wait for it tell. */
export type ModelAttempt = Pick<Attempt, 'claim' | 'signal'> & { heartbeat: ModelHeartbeat };

type RunModelAttempt<T> = (
  /** What of the step is called, such as `step:3`. */
  of: string,
  input: { turnId: string; step: number; model?: string },
  work: (attempt: ModelAttempt) => Promise<T>,
) => Promise<T>;

/** Creates the function that runs attempts of a model call. Attempts that overlap in this process share one call. */
export function createModelAttempts<T>(runAttempt: RunAttempt): RunModelAttempt<T> {
  const flights = createSingleFlight<T, Work>();
  return (of, { turnId, step, model = '' }, work) => {
    const heartbeat: ModelHeartbeat = { step, epoch: 0, characters: 0, tokens: 0 };
    return runAttempt((attempt) => {
      attempt.work.details = heartbeat;
      return flights.join(
        `${turnId}/${of}/${model}`,
        attempt,
        attempt.work,
        (shared) => (attempt.work = shared),
        (signal) => work({ claim: (input) => attempt.claim(input), signal, heartbeat }),
      );
    });
  };
}

/** Ends a call with which workers were lost again and again: its answer may be what kills them. */
export async function refuseDeadly(deps: ActivityDeps, { fence, deaths }: Claim): Promise<void> {
  if (deaths < MAX_MODEL_DEATHS) return;
  deps.logger.error({ turn: fence.turnId, key: fence.key, deaths }, 'workers are lost with a model call');
  await deps.store.markIdle(fence);
  throw final('model_bad_response', "The model's answer could not be processed. Please try again.");
}

/** Counts what the model has written, for whoever waits. */
export function countCharacters(heartbeat: ModelHeartbeat, delta: string): void {
  heartbeat.characters += delta.length;
  heartbeat.tokens = Math.ceil(heartbeat.characters / CHARACTERS_PER_TOKEN);
}
