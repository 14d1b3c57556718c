/** A Postgres and a Temporal for one run, in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FriendlyError } from '../../runtime/friendly-error.ts';
import type { Servers } from '../run-cases.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The first start of a machine may build Temporal. */
const START_LIMIT_MS = 15 * 60_000;
/** The stack's own stop takes 10 s at most. */
const STOP_LIMIT_MS = 10_000;

export interface EmbeddedStack {
  servers: Servers;
  stop(): Promise<void>;
}

/** Starts the stack as `npm run stack` does. `onStop` is given the stop before anything has started. */
export async function startEmbeddedStack(
  onStop: (stop: () => Promise<void>) => void,
): Promise<EmbeddedStack> {
  const folder = mkdtempSync(join(tmpdir(), 'copilot-eval-'));
  // As root, Postgres runs as another user, who must be able to enter the folder.
  chmodSync(folder, 0o711);
  const data = join(folder, 'data');
  const child = spawn(process.execPath, [join(ROOT, 'bin/bootstrap.mjs'), 'stack'], {
    cwd: ROOT,
    env: { ...ownEnvironment(), COPILOT_DATA_DIR: data, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    await endOf(child);
    rmSync(folder, { recursive: true, force: true });
  };
  onStop(stop);
  const file = join(data, 'ready.json');
  for (const until = Date.now() + START_LIMIT_MS; !existsSync(file); await delay(100))
    if (child.exitCode !== null || Date.now() > until)
      throw new FriendlyError(
        'The Postgres and the Temporal of the eval did not start. `npm run stack` says why.',
      );
  const ready = JSON.parse(readFileSync(file, 'utf8')) as { database_url: string; temporal_address: string };
  const server = new URL(ready.database_url);
  server.pathname = '/postgres';
  return { servers: { databaseUrl: server.href, temporalAddress: ready.temporal_address }, stop };
}

/** Without the addresses and settings of another service. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) =>
        !/^(COPILOT_|OPENAI_|ANTHROPIC_|TEMPORAL_|OTEL_|DATABASE_URL$|JWT_SECRET$|HOST$|PORT$|npm_)/.test(
          key,
        ),
    ),
  );
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(limit);
}
