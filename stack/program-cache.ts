/**
 * The cache of the server programs that npm does not have. They are downloaded or built once, by one process at a time. The
 * cache is outside the checkout, so that a second clone starts at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { homedir, setPriority } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from '../runtime/process-identity.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

const PROGRESS_MS = 15_000;
const WAIT_POLL_MS = 500;
/** A build must not slow down what the user does meanwhile. */
const BUILD_PRIORITY = 10;

/** The folder of downloaded and built programs, which all checkouts of a user share. */
export function cacheFolder(env: Record<string, string | undefined>): string {
  const base =
    env.XDG_CACHE_HOME ?? join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache');
  return join(base, 'workflow-copilot');
}

/** The path of an executable file in one of the folders of PATH, or null. */
export function findOnPath(name: string, env: Record<string, string | undefined>): string | null {
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

/**
 * Makes a path of the cache by `work` unless the path exists. Other processes wait meanwhile, and one of them takes over
 * when this process dies. `title` names the program in messages.
 */
export async function makeOnce(path: string, title: string, work: () => Promise<void>): Promise<string> {
  const lockFile = `${path}.lock.json`;
  mkdirSync(dirname(path), { recursive: true });
  for (let said = false; !existsSync(path); ) {
    const holder = readJsonFile<ProcessIdentity>(lockFile);
    if (!holder || !isAlive(holder)) break;
    if (!said) console.log(`Another start is fetching ${title}; waiting for it...`);
    said = true;
    await delay(WAIT_POLL_MS);
  }
  if (existsSync(path)) return path;
  writeJsonFile(lockFile, identify(process.pid));
  try {
    await work();
    return path;
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** Builds the programs of a Go module into `folder`, and says on the console what goes on. Throws FriendlyError. */
export async function goInstall(options: {
  go: string;
  title: string;
  /** Versioned packages, such as `example.com/module/cmd/tool@v1.2.3`. */
  packages: string[];
  folder: string;
  flags?: string[];
  /** What to do when the build fails for good. */
  otherwise: string;
}): Promise<void> {
  const { title } = options;
  const startedAt = Date.now();
  const seconds = (): number => Math.round((Date.now() - startedAt) / 1_000);
  const progress = setInterval(
    () => console.log(`  still building ${title} (${seconds()} s)...`),
    PROGRESS_MS,
  );
  try {
    await runProgram(options.go, ['install', ...(options.flags ?? []), ...options.packages], {
      env: { GOBIN: options.folder },
      priority: BUILD_PRIORITY,
    });
    console.log(`Built ${title} in ${seconds()} s.`);
  } catch (error: unknown) {
    throw new FriendlyError(
      `Building ${title} failed:\n${(error as Error).message}\nCheck that the Go module proxy can be reached (\`go env GOPROXY\`) and that the disk is not full, or ${options.otherwise}`,
      { cause: error },
    );
  } finally {
    clearInterval(progress);
  }
}

/**
 * Runs a program to its end and returns its output. Rejects with the end of its error output. The program ends with this
 * process.
 */
export function runProgram(
  command: string,
  args: string[],
  options: { env?: Record<string, string>; timeoutMs?: number; priority?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    });
    if (child.pid !== undefined && options.priority !== undefined) setPriority(child.pid, options.priority);
    const kill = (): void => void child.kill();
    process.once('exit', kill);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('exit', kill);
      if (code === 0) resolve(output);
      else reject(new Error(errors.trim() || output.trim().slice(-2_000) || `exit code ${code}`));
    });
  });
}
