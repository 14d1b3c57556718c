/**
 * npm run dev: starts the API and the worker, and restarts each when a file of its rooms is saved. Postgres and Temporal
 * keep running, so the restarted worker continues the turns.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../runtime/config.ts';
import type { Shutdown } from '../runtime/shutdown.ts';
import { findRunningStack, type ReadyFile } from '../stack/data-folder.ts';
import { mintStudioKey, resolveJwtSecret } from '../stack/jwt-secret.ts';
import { startEmbeddedStack } from './embedded-stack.ts';
import { printReady } from './print-ready.ts';
import { type CommandContext, runCommand } from './run-command.ts';

const ROOT = join(import.meta.dirname, '..');
const SHARED_ROOMS = ['contracts', 'db', 'domain', 'models', 'runtime', 'workflows'];
const ROLES = {
  api: [...SHARED_ROOMS, 'api', 'studio/src'],
  worker: [...SHARED_ROOMS, 'activities', 'llm', 'worker'],
};
/**
 * In watch mode, Node makes every thread report the modules that it loads. Temporal's workflow threads mistake the report
 * for a message of theirs, which ends the worker. The watched folders are listed here, so the reports are not needed.
 */
const NO_REPORTS = 'data:text/javascript,delete process.env.WATCH_REPORT_DEPENDENCIES';
const READY_POLL_MS = 100;
/** How long a role may take to close by itself. */
const ROLE_STOP_MS = 10_000;

await runCommand('dev', async (context) => {
  const { config, shutdown } = context;
  const ready = await findOrStartStack(context);
  for (const [role, rooms] of Object.entries(ROLES)) watchRole({ role, rooms, env: context.env, shutdown });
  if (ready) await announce(ready, config);
});

/** Returns the running stack, or starts one. Null when the environment names both servers. */
async function findOrStartStack(context: CommandContext): Promise<ReadyFile | null> {
  const { config } = context;
  if (config.databaseUrl !== undefined && config.temporal.address !== undefined) return null;
  const running = findRunningStack(config.dataDir);
  // A running stack with a url is `npm start`, which has an API of its own. Then the folder's lock throws and explains.
  return running && running.url === undefined ? running : startEmbeddedStack(context, 'dev');
}

/** Starts a role in Node's watch mode, which stops the role with SIGTERM when a file changes, and starts it again. */
function watchRole(options: {
  role: string;
  rooms: readonly string[];
  env: Record<string, string | undefined>;
  shutdown: Shutdown;
}): void {
  const { role, rooms, env, shutdown } = options;
  const child = spawn(
    process.execPath,
    [
      '--watch-preserve-output',
      ...rooms.map((room) => `--watch-path=${join(ROOT, room)}`),
      `--import=${NO_REPORTS}`,
      '--max-semi-space-size=16',
      join(ROOT, `bin/${role}.ts`),
    ],
    { stdio: 'inherit', env },
  );
  shutdown.add(`the ${role}`, () => stop(child), ROLE_STOP_MS);
  child.on('exit', () => shutdown.exit(1));
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Prints the link and a sample request once the API is ready; nothing with PORT=0, because only the API knows its port. */
async function announce(ready: ReadyFile, config: Config): Promise<void> {
  const { host, port } = config;
  if (port === 0) return;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  for (;;) {
    const status = await fetch(`${url}/readyz`).then(
      (response) => response.status,
      () => null,
    );
    if (status === 200) break;
    await delay(READY_POLL_MS);
  }
  printReady({ ...ready, url }, `${url}/#key=${await mintStudioKey(resolveJwtSecret(config))}`);
}
