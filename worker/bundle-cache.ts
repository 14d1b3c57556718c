/**
 * Keeps the workflow bundle between starts. Bundling takes more than a second; hashing the bundled files takes some
 * milliseconds. The cache file has a hash of each bundled file, so a changed file leads to a new bundle. When the cache
 * can't be read or written, the workflows are bundled again.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Bundle, bundleWorkflows, WORKFLOWS } from './bundle.ts';

const ROOT = join(import.meta.dirname, '..');
const CACHE_FILE = join(ROOT, 'node_modules/.cache/workflow-copilot/workflow-bundle');
/** The files that determine how this process bundles. npm writes the versions of all packages into the second one. */
const BUNDLER = ['worker/bundle.ts', 'node_modules/.package-lock.json'].map((file) => join(ROOT, file));
const BUNDLER_HASHES = BUNDLER.map((file) => hashOfFile(file));
/** The tolerance for file times: a file that changed this shortly before the bundling may have been read before. */
const CLOCK_STEP_MS = 50;

/** The first line of the cache file. The code follows. */
interface Header {
  workflowsPath: string;
  bundler: (string | null)[];
  codeHash: string;
  /** The path and hash of each file that webpack read. */
  files: [path: string, hash: string | null][];
}

/** Returns the bundle of a workflows module: the cached one when none of its files has changed, otherwise a new one. */
export async function loadWorkflowBundle(
  options: {
    workflowsPath?: string;
    cacheFile?: string;
    bundle?: (workflowsPath: string) => Promise<Bundle>;
  } = {},
): Promise<{ code: string }> {
  const { workflowsPath = WORKFLOWS, cacheFile = CACHE_FILE, bundle = bundleWorkflows } = options;
  const kept = read(cacheFile, workflowsPath);
  if (kept !== null) return { code: kept };
  const startedAt = Date.now();
  const { code, files } = await bundle(workflowsPath);
  if (files.some((file) => statSync(file).ctimeMs > startedAt - CLOCK_STEP_MS)) return { code };
  write(cacheFile, code, {
    workflowsPath,
    bundler: BUNDLER_HASHES,
    codeHash: hashOf(code),
    files: files.map((file) => [file, hashOfFile(file)]),
  });
  return { code };
}

/** Reads the cached bundle. Null when there is none or its sources have changed. */
function read(cacheFile: string, workflowsPath: string): string | null {
  try {
    const content = readFileSync(cacheFile, 'utf8');
    const end = content.indexOf('\n');
    const header = JSON.parse(content.slice(0, end)) as Header;
    const code = content.slice(end + 1);
    const isCurrent =
      header.workflowsPath === workflowsPath &&
      JSON.stringify(header.bundler) === JSON.stringify(BUNDLER_HASHES) &&
      header.codeHash === hashOf(code) &&
      header.files.every(([file, hash]) => hashOfFile(file) === hash);
    return isCurrent ? code : null;
  } catch {
    return null;
  }
}

/** Writes a draft and renames it, so that a killed process or two writers never leave half a bundle. */
function write(cacheFile: string, code: string, header: Header): void {
  const draft = `${cacheFile}.${process.pid}`;
  try {
    mkdirSync(dirname(cacheFile), { recursive: true });
    writeFileSync(draft, `${JSON.stringify(header)}\n${code}`);
    renameSync(draft, cacheFile);
  } catch {
    if (existsSync(draft)) rmSync(draft);
  }
}

/** The hash of a file, or null when it does not exist. */
function hashOfFile(path: string): string | null {
  try {
    return hashOf(readFileSync(path));
  } catch {
    return null;
  }
}

function hashOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
