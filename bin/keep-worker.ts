/** Keeps one worker running: starts another when a worker ends by itself, and retries while Temporal is away. */
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningWorker, startWorker, type WorkerSettings } from '../worker/run-worker.ts';
import { ForeignNamespaceError } from '../db/temporal/temporal-identity.ts';
import type { Shutdown } from '../runtime/shutdown.ts';

const RETRY_MS = 1_000;
/** The pause after ForeignNamespaceError: only an operator can correct it, and each attempt logs an error. */
const FOREIGN_RETRY_MS = 15_000;

/** Resolves when the first worker polls. The shutdown stops the worker. */
export async function keepWorker(settings: WorkerSettings, shutdown: Shutdown): Promise<void> {
  let current: RunningWorker | null = null;
  let stopping = false;
  shutdown.add('the worker', async () => {
    stopping = true;
    await current?.stop();
  });
  const begin = async (): Promise<void> => {
    while (!stopping) {
      try {
        current = await startWorker(settings);
        return;
      } catch (error: unknown) {
        const isForeign = error instanceof ForeignNamespaceError;
        settings.logger[isForeign ? 'error' : 'warn'](
          { err: error, address: settings.temporalAddress },
          'the worker could not start; trying again',
        );
        await delay(isForeign ? FOREIGN_RETRY_MS : RETRY_MS);
      }
    }
  };
  const watch = async (): Promise<void> => {
    while (!stopping && current) {
      const error = await current.failed;
      if (stopping) return;
      settings.logger.error({ err: error }, 'the worker ended; starting another one');
      await current.stop();
      await delay(RETRY_MS);
      await begin();
    }
  };
  await begin();
  void watch();
}
