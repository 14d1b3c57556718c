/** npm run api: one API process. Any number of API processes may run. */
import { startApi } from '../api/run-api.ts';
import { explainListen } from '../runtime/friendly-error.ts';
import { startTracing } from '../runtime/tracing/tracing.ts';
import { resolveJwtSecret } from '../stack/jwt-secret.ts';
import { buildStudio } from './build-studio.ts';
import { findAddresses } from './find-addresses.ts';
import { migrateInBackground } from './migrate-in-background.ts';
import { runCommand } from './run-command.ts';

await runCommand('api', async ({ config, logger, shutdown }) => {
  await startTracing({ config, logger, role: 'api', shutdown });
  const addresses = findAddresses(config);
  if (config.databaseUrl !== undefined) {
    migrateInBackground({ databaseUrl: config.databaseUrl, logger, shutdown }).catch((error: unknown) => {
      logger.error({ err: error }, 'the migrations failed');
      shutdown.exit(1);
    });
  }
  const api = await startApi({
    config,
    ...addresses,
    jwtSecret: resolveJwtSecret(config),
    logger,
  }).catch(explainListen(config));
  shutdown.add('the API', () => api.close());
  console.log(`The API listens on ${api.url}`);
  const page = await buildStudio();
  if (!page.ok) logger.error({ reason: page.reason }, 'the Studio page could not be built');
});
