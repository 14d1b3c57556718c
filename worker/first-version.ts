/**
 * The first version of a deployment. Until a version is current, Temporal gives versioned workers no turn. So the worker of
 * the first version makes its version current by itself, unless workers without a version are there to begin the turns.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import { TEMPORAL } from '../runtime/bounds.ts';
import type { TemporalConfig } from '../runtime/config.ts';
import type { Logger } from '../runtime/logger.ts';
import { createDeployment } from './deployment.ts';

/** Temporal registers a version some time after the first poll of its worker. */
const REGISTER_POLL_MS = 500;
const POLL_MS = 30_000;

/**
 * Returns when a version is current, whoever chose it, or when the signal aborts. Never throws: a deployment that can't be
 * read is looked at again.
 */
export async function beginFirstVersion(
  buildId: string,
  {
    connection,
    temporal,
    logger,
    signal,
  }: { connection: ConnectionLike; temporal: TemporalConfig; logger: Logger; signal: AbortSignal },
): Promise<void> {
  const deployment = createDeployment(connection, temporal);
  const bounded = <T>(call: () => Promise<T>): Promise<T> =>
    connection.withDeadline(Date.now() + TEMPORAL.rpcMs, call);
  let hasWarned = false;
  for (let pauseMs = 0; !signal.aborted; ) {
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    pauseMs = POLL_MS;
    try {
      const beginner = await bounded(() => deployment.beginner());
      if (beginner === 'chosen') return;
      if (beginner === 'nobody') {
        if ((await bounded(() => deployment.makeCurrent(buildId))) === null) {
          logger.info({ buildId }, 'the first version of the deployment begins the new turns');
          return;
        }
        pauseMs = REGISTER_POLL_MS;
      } else if (!hasWarned) {
        hasWarned = true;
        logger.warn({ buildId }, 'no version is current: workers without a version begin the new turns');
      }
    } catch (error: unknown) {
      logger.debug({ err: error, buildId }, 'the versions of the workers could not be read');
    }
  }
}
