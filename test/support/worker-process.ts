/** A worker process with settings that `npm run worker` does not have, started as that is. */
import { findAddresses } from '../../bin/find-addresses.ts';
import { loadConfig } from '../../runtime/config.ts';
import { createLogger } from '../../runtime/logger.ts';
import { installRuntime, startWorker, type WorkerSettings } from '../../worker/run-worker.ts';
import { guardAgainstStalls } from '../../worker/stall-guard.ts';

export async function runWorkerProcess(settings: Partial<WorkerSettings>): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger({ level: config.logLevel });
  installRuntime(logger);
  guardAgainstStalls();
  const worker = await startWorker({ config, ...findAddresses(config), logger, ...settings });
  console.log(`The worker polls the task queue ${config.temporal.taskQueue}.`);
  process.once('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
}
