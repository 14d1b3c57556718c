/** What the activities that call a model share: one call in a process, and what their heartbeats tell. */
import type { ModelHeartbeat } from '../contracts/turn.ts';
import { runAttempt } from './attempt.ts';
import type { ActivityDeps } from './deps.ts';
import type { SingleFlight } from './single-flight.ts';

const CHARACTERS_PER_TOKEN = 4;

/** Runs an attempt whose work is done once in this process, however many attempts ask for it. */
export async function runModelAttempt<T>(
  deps: ActivityDeps,
  flights: SingleFlight<T>,
  of: string,
  { turnId, step, model = '' }: { turnId: string; step: number; model?: string },
  work: (heartbeat: ModelHeartbeat, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const heartbeat: ModelHeartbeat = { step, epoch: 0, characters: 0, tokens: 0 };
  return runAttempt(
    deps,
    () => heartbeat,
    (passenger) => flights.join(`${turnId}/${of}/${model}`, passenger, (signal) => work(heartbeat, signal)),
  );
}

/** Counts what the model has written, for whoever waits. */
export function countCharacters(heartbeat: ModelHeartbeat, delta: string): void {
  heartbeat.characters += delta.length;
  heartbeat.tokens = Math.ceil(heartbeat.characters / CHARACTERS_PER_TOKEN);
}
