/**
 * Finds the Temporal CLI, whose dev server the embedded stack runs. It is looked for on the PATH and in the cache, then
 * downloaded, then built with Go. The cache is outside the checkout, so that a second clone starts at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { identify, isAlive, type ProcessIdentity } from '../runtime/process-identity.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

/** Later versions can't be built with `go install`, because their go.mod has a replace directive. */
const VERSION = '1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@v${VERSION}`;
const DOWNLOAD_HOST = 'https://temporal.download';
const PROBE_MS = 3_000;
const DOWNLOAD_MS = 120_000;
const PROGRESS_MS = 15_000;

/** The path of the binary. Prints on the console what takes long. Throws FriendlyError. */
export async function findTemporalBinary(env: Record<string, string | undefined>): Promise<string> {
  const onPath = findOnPath('temporal', env);
  if (onPath) return onPath;
  const cache = cacheFolder(env);
  const binary = join(cache, `temporal-${VERSION}`);
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  return withBuildLock(join(cache, 'build.lock.json'), binary, async () => {
    if (await download(cache, binary)) return;
    await build(cache, binary, env);
  });
}

function findOnPath(name: string, env: Record<string, string | undefined>): string | null {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** The folder of downloaded programs, which all checkouts of a user share. */
export function cacheFolder(env: Record<string, string | undefined>): string {
  const base =
    env.XDG_CACHE_HOME ?? join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache');
  return join(base, 'workflow-copilot');
}

/** Fetches the binary in one process at a time. A second process waits, and takes over when the first one dies. */
async function withBuildLock(lockFile: string, binary: string, work: () => Promise<void>): Promise<string> {
  for (let said = false; ; ) {
    const holder = readJsonFile<ProcessIdentity>(lockFile);
    if (!holder || !isAlive(holder)) break;
    if (existsSync(binary)) return binary;
    if (!said) console.log('Another start is fetching the Temporal server; waiting for it...');
    said = true;
    await delay(500);
  }
  if (existsSync(binary)) return binary;
  writeJsonFile(lockFile, identify(process.pid));
  try {
    await work();
    return binary;
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** Downloads the server with Temporal's testing package. Returns false when that fails. */
async function download(cache: string, binary: string): Promise<boolean> {
  try {
    await fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_MS) });
  } catch {
    return false;
  }
  console.log('Downloading the Temporal dev server (about 50 MB, once)...');
  const folder = join(cache, `download-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const script = `
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const env = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: process.argv[1], version: 'v${VERSION}' } },
    });
    await env.teardown();
    process.exit(0);`;
  try {
    await runChild(process.execPath, ['--input-type=module', '-e', script, folder], {}, DOWNLOAD_MS);
    const file = readdirSync(folder)
      .map((name) => join(folder, name))
      .find((path) => statSync(path).isFile());
    if (!file) return false;
    renameSync(file, binary);
    return true;
  } catch {
    console.log('The download did not work; building the server instead.');
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(cache: string, binary: string, env: Record<string, string | undefined>): Promise<void> {
  const go = findOnPath('go', env);
  if (!go) {
    throw new FriendlyError(
      `The Temporal server is not installed, can't be downloaded from ${DOWNLOAD_HOST}, and can't be built, because Go is not installed. Do one of these: install the Temporal CLI (docs.temporal.io/cli), install Go (go.dev/dl), or set TEMPORAL_ADDRESS to a running Temporal.`,
    );
  }
  console.log(
    `Building the Temporal dev server with Go, because it can't be downloaded from here. This happens once and takes about 3 minutes; it is kept in ${cache}.`,
  );
  const startedAt = Date.now();
  const progress = setInterval(() => {
    console.log(
      `  still building the Temporal dev server (${Math.round((Date.now() - startedAt) / 1_000)} s)...`,
    );
  }, PROGRESS_MS);
  const folder = join(cache, `build-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    await runChild(go, ['install', MODULE], { GOBIN: folder }, 0);
    renameSync(join(folder, 'temporal'), binary);
    console.log(`Built the Temporal dev server in ${Math.round((Date.now() - startedAt) / 1_000)} s.`);
  } catch (error: unknown) {
    throw new FriendlyError(
      `Building the Temporal server failed:\n${(error as Error).message}\nCheck that the Go module proxy can be reached (\`go env GOPROXY\`) and that the disk is not full, or set TEMPORAL_ADDRESS to a running Temporal.`,
      { cause: error },
    );
  } finally {
    clearInterval(progress);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a program to its end. Rejects with the end of its error output. A timeout of 0 means no timeout. */
function runChild(
  command: string,
  args: string[],
  env: Record<string, string>,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(timeoutMs > 0 ? { timeout: timeoutMs } : {}),
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(errors.trim() || `exit code ${code}`)),
    );
  });
}
