/** Starts the embedded stack for a command that runs neither the API nor the worker in its own process. */
import type { ReadyFile } from '../stack/data-folder.ts';
import { lockFolder } from '../stack/data-folder.ts';
import { mintServiceKey, resolveJwtSecret } from '../stack/jwt-secret.ts';
import { startStack } from '../stack/start-stack.ts';
import type { CommandContext } from './run-command.ts';

/** Starts the stack and writes ready.json, which other processes read. The shutdown stops the stack. */
export async function startEmbeddedStack(
  { config, logger, shutdown, env }: CommandContext,
  command: string,
): Promise<ReadyFile> {
  const folder = await lockFolder(config.dataDir, command, env);
  shutdown.add('the data folder', () => folder.release());
  const jwtSecret = resolveJwtSecret(config);
  const stack = await startStack({ config, folder: folder.path, env, shutdown, logger });
  const ready: ReadyFile = {
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
  return ready;
}
