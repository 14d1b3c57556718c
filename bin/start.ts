/** npm start: runs the API and the worker in one process, and the embedded Postgres and Temporal beside it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ReadyFile } from '../stack/data-folder.ts';
import { lockFolder } from '../stack/data-folder.ts';
import { explainListen, FriendlyError } from '../runtime/friendly-error.ts';
import { createMetrics } from '../runtime/metrics/metrics.ts';
import { startTracing } from '../runtime/tracing/tracing.ts';
import { mintServiceKey, mintStudioKey, resolveJwtSecret } from '../stack/jwt-secret.ts';
import { startStack } from '../stack/start-stack.ts';
import { buildStudio } from './build-studio.ts';
import { printReady } from './print-ready.ts';
import { runCommand } from './run-command.ts';

const READY_POLL_MS = 50;

await runCommand('start', async ({ config, logger, shutdown, env }) => {
  await startTracing({ config, logger, role: 'start', shutdown });
  // Loading these modules takes half of the start, so it goes on while the servers start.
  const roles = Promise.all([
    import('../worker/run-worker.ts'),
    import('../worker/bundle-cache.ts').then((module) => module.loadWorkflowBundle()),
    import('../api/run-api.ts'),
    import('../runtime/connections.ts'),
    import('./keep-worker.ts'),
    import('../worker/core-metrics.ts'),
  ]);
  roles.catch(() => undefined);
  const folder = await lockFolder(config.dataDir, 'start', env);
  shutdown.add('the data folder', () => folder.release());
  const page = buildStudio();
  console.log('Starting Postgres and Temporal...');
  const jwtSecret = resolveJwtSecret(config);
  const stack = await startStack({ config, folder: folder.path, env, shutdown, logger });
  const [{ installRuntime }, workflowBundle, { startApi }, { connectNative }, { keepWorker }, core] =
    await roles;

  console.log('Starting the worker and the API...');
  const metrics = createMetrics();
  installRuntime(logger, await core.addCoreMetrics(metrics));
  const { databaseUrl, temporalAddress } = stack;
  const link = await connectNative(config.temporal, temporalAddress, logger).catch((error: unknown) => {
    throw new FriendlyError(
      `Temporal at ${temporalAddress} is not reachable. Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the TLS settings.`,
      { cause: error },
    );
  });
  const { connection: nativeConnection } = link;
  shutdown.add('the Temporal connection', () => link.close());
  await keepWorker(
    { config, databaseUrl, temporalAddress, logger, metrics, nativeConnection, workflowBundle },
    shutdown,
  );
  const api = await startApi({
    config,
    databaseUrl,
    temporalAddress,
    temporalUi: stack.temporalUi,
    jwtSecret,
    logger,
    metrics,
    nativeConnection,
  }).catch(explainListen(config));
  shutdown.add('the API', () => api.close());

  while ((await fetch(`${api.url}/readyz`)).status !== 200) await delay(READY_POLL_MS);
  const ready: ReadyFile = {
    url: api.url,
    key: await mintServiceKey(jwtSecret),
    temporal_address: temporalAddress,
    temporal_ui: stack.temporalUi,
    database_url: databaseUrl,
    workflow_id: stack.workflowId,
  };
  folder.writeReady(ready);
  shutdown.add('ready.json', () => {
    folder.markStopping();
    folder.removeReady();
  });
  const built = await page;
  if (!built.ok) logger.error({ reason: built.reason }, 'the Studio page could not be built');
  printReady(ready, `${api.url}/#key=${await mintStudioKey(jwtSecret)}`);
});
