/** npm run worker: one Temporal worker. Any number of workers may run. */
import { explainListen } from '../runtime/friendly-error.ts';
import { createMetrics } from '../runtime/metrics/metrics.ts';
import { serveMetrics } from '../runtime/metrics/server.ts';
import { startTracing } from '../runtime/tracing/tracing.ts';
import { addCoreMetrics } from '../worker/core-metrics.ts';
import { installRuntime } from '../worker/run-worker.ts';
import { guardAgainstStalls } from '../worker/stall-guard.ts';
import { findAddresses } from './find-addresses.ts';
import { keepWorker } from './keep-worker.ts';
import { migrateInBackground } from './migrate-in-background.ts';
import { runCommand } from './run-command.ts';

await runCommand('worker', async ({ config, logger, shutdown }) => {
  await startTracing({ config, logger, role: 'worker', shutdown });
  const addresses = findAddresses(config);
  if (config.databaseUrl !== undefined) {
    await migrateInBackground({ databaseUrl: config.databaseUrl, logger, shutdown });
  }
  const metrics = createMetrics();
  let isPolling = false;
  installRuntime(logger, config.workerMetrics === null ? {} : await addCoreMetrics(metrics));
  if (config.workerMetrics !== null) {
    const { host, port } = config.workerMetrics;
    const page = await serveMetrics(metrics, {
      host,
      port,
      token: config.metricsToken,
      isReady: () => isPolling,
    }).catch(explainListen({ host, port }, 'COPILOT_WORKER_METRICS_ADDRESS'));
    shutdown.add('the metrics page', () => page.close());
    console.log(`The worker's metrics are at ${page.url}`);
  }
  shutdown.add('the stall guard', guardAgainstStalls());
  await keepWorker({ config, ...addresses, logger, metrics }, shutdown);
  isPolling = true;
  console.log(`The worker polls the task queue ${config.temporal.taskQueue}.`);
});
