/**
 * The build of the Studio page. Its result is kept beside a hash of everything that it is made from, so that a start with
 * unchanged sources builds nothing.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify } from '../runtime/process-identity.ts';

const CHECKOUT = join(import.meta.dirname, '..');
const DIST = 'studio/dist';
const HASH_FILE = 'source-hash';
/** Holds why the last build failed; the API shows it in place of the page. */
const FAILURE = 'studio/dist.failed';
const VITE = 'node_modules/vite/bin/vite.js';
const SOURCES = ['studio/**/*', 'client/src/**/*', 'domain/**/*.ts', 'contracts/*.ts', 'package-lock.json'];
const KEPT_OUTPUT_CHARS = 4_000;

export type BuildResult =
  /** `built` is false when nothing had changed, or where the build tool is not installed and a finished page is there. */
  { ok: true; built: boolean } | { ok: false; reason: string };

/** Builds the page when its sources changed. Never throws: a page that can't be built must not stop the API. */
export async function buildStudio(root = CHECKOUT): Promise<BuildResult> {
  const dist = join(root, DIST);
  const failure = join(root, FAILURE);
  const aside = `${dist}.${process.pid}`;
  try {
    if (!existsSync(join(root, VITE)))
      return existsSync(join(dist, 'index.html'))
        ? { ok: true, built: false }
        : { ok: false, reason: 'the build tool is not installed' };
    const hash = hashSources(root);
    if (readHash(dist) === hash && !existsSync(failure)) return { ok: true, built: false };
    removeLeftovers(root);
    const { code, output } = await runVite(root, aside);
    if (code !== 0) throw new Error(output.slice(-KEPT_OUTPUT_CHARS).trim());
    writeFileSync(join(aside, HASH_FILE), hash);
    rmSync(dist, { recursive: true, force: true });
    renameSync(aside, dist);
    rmSync(failure, { force: true });
    return { ok: true, built: true };
  } catch (error: unknown) {
    const reason = error instanceof Error ? error.message : String(error);
    rmSync(aside, { recursive: true, force: true });
    try {
      writeFileSync(failure, reason);
    } catch {
      // The folder can't be written: the caller tells the reason all the same.
    }
    return { ok: false, reason };
  }
}

/** What a build that was killed has left. */
function removeLeftovers(root: string): void {
  for (const name of readdirSync(join(root, 'studio'))) {
    const pid = /^dist\.(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && identify(Number(pid)) === null)
      rmSync(join(root, 'studio', name), { recursive: true, force: true });
  }
}

function hashSources(root: string): string {
  const hash = createHash('sha256');
  const files = globSync(SOURCES, {
    cwd: root,
    withFileTypes: true,
    exclude: (entry) => entry.name.startsWith('dist') || entry.name === 'node_modules',
  });
  for (const path of files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort())
    hash
      .update(`${path.slice(root.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  return hash.digest('hex');
}

function readHash(dist: string): string | null {
  try {
    return readFileSync(join(dist, HASH_FILE), 'utf8');
  } catch {
    return null;
  }
}

/** In a process of its own: a bundler must not hold up the servers that start meanwhile. */
function runVite(root: string, outDir: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [join(root, VITE), 'build', '--outDir', outDir, '--logLevel', 'warn'],
      {
        cwd: join(root, 'studio'),
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_ENV: 'production', FORCE_COLOR: '0', NO_COLOR: '1' },
      },
    );
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT_CHARS * 4);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
