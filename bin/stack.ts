/** npm run stack: only the embedded Postgres and Temporal, for roles that run apart. */
import { mintServiceKey, resolveJwtSecret } from '../stack/jwt-secret.ts';
import { lockFolder } from '../stack/data-folder.ts';
import { startStack } from '../stack/start-stack.ts';
import { printReady } from './print-ready.ts';
import { runCommand } from './run-command.ts';

await runCommand('stack', async ({ config, logger, shutdown, env }) => {
  const folder = await lockFolder(config.dataDir, 'stack', env);
  shutdown.add('the data folder', () => folder.release());
  const jwtSecret = resolveJwtSecret(config);
  const stack = await startStack({ config, folder: folder.path, env, shutdown, logger });
  const ready = {
    key: await mintServiceKey(jwtSecret),
    temporal_address: stack.temporalAddress,
    temporal_ui: stack.temporalUi,
    database_url: stack.databaseUrl,
    workflow_id: stack.workflowId,
  };
  folder.writeReady(ready);
  shutdown.add('ready.json', () => {
    folder.markStopping();
    folder.removeReady();
  });
  printReady(ready);
  // The supervised servers are not ours to wait for: this process lives until it is told to stop.
  setInterval(() => undefined, 2 ** 30);
});
