/** npm run api: one API process. Any number of them may run. */
import { startApi } from '../../api/run-api.ts';
import { resolveJwtSecret } from '../jwt-secret.ts';
import { explainListen } from './explain-listen.ts';
import { findAddresses } from './find-addresses.ts';
import { runCommand } from './run-command.ts';

await runCommand('api', async ({ config, logger, shutdown }) => {
  const api = await startApi({
    config,
    ...findAddresses(config),
    jwtSecret: resolveJwtSecret(config),
    logger,
  }).catch(explainListen(config));
  shutdown.add('the API', () => api.close());
  console.log(`The API listens on ${api.url}`);
});
