/** npm run worker: one Temporal worker. Any number of workers may run. */
import { installRuntime } from '../worker/run-worker.ts';
import { guardAgainstStalls } from '../worker/stall-guard.ts';
import { findAddresses } from './find-addresses.ts';
import { keepWorker } from './keep-worker.ts';
import { migrateInBackground } from './migrate-in-background.ts';
import { runCommand } from './run-command.ts';

await runCommand('worker', async ({ config, logger, shutdown }) => {
  const addresses = findAddresses(config);
  if (config.databaseUrl !== undefined) {
    await migrateInBackground({ databaseUrl: config.databaseUrl, logger, shutdown });
  }
  installRuntime(logger);
  shutdown.add('the stall guard', guardAgainstStalls());
  await keepWorker({ config, ...addresses, logger }, shutdown);
  console.log(`The worker polls the task queue ${config.temporal.taskQueue}.`);
});
