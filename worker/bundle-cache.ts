/**
 * Keeps the workflow bundle between starts: webpack takes more than a second, a look at the files that it read takes
 * some milliseconds. The bundle is kept with a hash of each of these files, so a changed file gives another bundle. A
 * cache that can't be read or written costs the time of a bundling, nothing else.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Bundle, bundleWorkflows, WORKFLOWS } from './bundle.ts';

const ROOT = join(import.meta.dirname, '..');
const CACHE_FILE = join(ROOT, 'node_modules/.cache/workflow-copilot/workflow-bundle');
/** What this process bundles with. npm writes the versions of all packages into the second file. */
const BUNDLER = ['worker/bundle.ts', 'node_modules/.package-lock.json'].map((file) => join(ROOT, file));
const BUNDLER_HASHES = BUNDLER.map((file) => hashOfFile(file));
/** A file that changed this shortly before the bundling began may have been read before it changed. */
const CLOCK_STEP_MS = 50;

/** The first line of the cache file. The code follows. */
interface Header {
  workflowsPath: string;
  bundler: (string | null)[];
  codeHash: string;
  /** Path and hash of each file that webpack read. */
  files: [path: string, hash: string | null][];
}

/** The bundle of a workflows module: the kept one while all of its files are as they were, otherwise a new one. */
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

/** Null when the file holds no bundle of these sources. */
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

/** Writes a draft and renames it: a process that is killed here, or another that writes too, leaves no half of a bundle. */
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

/** Null for a file that is not there. */
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
