/**
 * The data folder: the embedded stack's files, and the lock that keeps a second stack out. A data folder holds a marker
 * file. Any other folder that is not empty is refused.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../contracts/thrown-codes.ts';
import { explainFileError, FriendlyError } from '../runtime/friendly-error.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { findNpmParent, identify, isAlive, type ProcessIdentity } from '../runtime/process-identity.ts';

const MARKER = 'workflow-copilot.json';
const MARKER_VERSION = 1;
const LOCK = 'lock.json';
const READY = 'ready.json';
/** The settings of the embedded Temporal. A folder has one of the two, because each kind of server holds its own turns. */
export const DEV_SERVER_FILE = 'temporal.json';
export const CLUSTER_FILE = 'temporal-cluster.json';
const TAKEOVER_WAIT_MS = 15_000;
const POLL_MS = 100;
const MIN_FREE_BYTES = 200 * 1024 * 1024;

/** The content of ready.json: the addresses of the running stack. `url` is absent when the stack has no API. */
export interface ReadyFile {
  url?: string;
  key: string;
  temporal_address: string;
  temporal_ui: string | null;
  database_url: string;
  workflow_id: string | null;
}

interface Lock {
  holder: ProcessIdentity;
  parent: ProcessIdentity | null;
  state: 'running' | 'stopping';
  command: string;
}

export interface DataFolder {
  path: string;
  file(name: string): string;
  markStopping(): void;
  writeReady(ready: ReadyFile): void;
  removeReady(): void;
  /** Releases the lock. */
  release(): void;
}

/** Creates the folder when it is missing, and checks that it is a data folder. Throws FriendlyError. */
export function openFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const entries = readdirSync(path);
    const marker = join(path, MARKER);
    if (entries.includes(MARKER)) {
      const { version } = readJsonFile<{ version?: unknown }>(marker) ?? {};
      if (version !== MARKER_VERSION) {
        throw new FriendlyError(
          `${path} was created by another version of this program (${String(version)}). Name another folder with COPILOT_DATA_DIR.`,
        );
      }
    } else if (entries.length > 0) {
      throw new FriendlyError(
        `${path} is not empty and not a data folder of the copilot. Name another folder with COPILOT_DATA_DIR, or move its content away.`,
      );
    }
    const { bavail, bsize } = statfsSync(path);
    if (bavail * bsize < MIN_FREE_BYTES) {
      throw new FriendlyError(
        `The disk that holds ${path} is full (${Math.round((bavail * bsize) / 1024 / 1024)} MB left). Free some space (about 500 MB), then start again.`,
      );
    }
    if (!entries.includes(MARKER))
      writeFileSync(marker, `${JSON.stringify({ kind: 'workflow-copilot', version: MARKER_VERSION })}\n`);
    // When this process is root, Postgres runs as another user, who must be able to enter the folder.
    chmodSync(path, process.getuid?.() === 0 ? 0o711 : 0o700);
    return path;
  } catch (error: unknown) {
    if (error instanceof FriendlyError) throw error;
    return explainFileError(error, path);
  }
}

/**
 * Opens the folder and takes the lock. Waits for a stack that is stopping or whose npm process is gone. Throws FriendlyError
 * when another stack keeps running.
 */
export async function lockFolder(
  path: string,
  command: string,
  env: Record<string, string | undefined>,
): Promise<DataFolder> {
  openFolder(path);
  const file = (name: string): string => join(path, name);
  const own: Lock = { holder: identify(process.pid)!, parent: findNpmParent(env), state: 'running', command };
  const until = Date.now() + TAKEOVER_WAIT_MS;
  while (!tryLock(file(LOCK), own)) {
    const holder = readJsonFile<Lock>(file(LOCK));
    if (!holder) continue;
    const leaving = holder.state === 'stopping' || (holder.parent !== null && !isAlive(holder.parent));
    if (!leaving || Date.now() > until) {
      const url = readJsonFile<ReadyFile>(file(READY))?.url;
      throw new FriendlyError(
        `A stack is already running on ${path} (npm ${holder.command === 'start' ? 'start' : `run ${holder.command}`}, pid ${holder.holder.pid}${url ? `, ${url}` : ''}). Use it, stop it first, or name another folder with COPILOT_DATA_DIR.`,
      );
    }
    await delay(POLL_MS);
  }
  rmSync(file(READY), { force: true });
  return {
    path,
    file,
    markStopping: () => writeJsonFile(file(LOCK), { ...own, state: 'stopping' } satisfies Lock),
    writeReady: (ready) => writeJsonFile(file(READY), ready),
    removeReady: () => rmSync(file(READY), { force: true }),
    release: () => rmSync(file(LOCK), { force: true }),
  };
}

/** Creates the lock, or takes over the lock of a dead process. Returns false while another process holds it. */
function tryLock(path: string, own: Lock): boolean {
  const text = `${JSON.stringify(own)}\n`;
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error: unknown) {
    if (codeOf(error) !== 'EEXIST') return explainFileError(error, path);
  }
  const before = readText(path);
  const lock = before === null ? null : (readJsonFile<Lock>(path) ?? null);
  if (lock?.holder && isAlive(lock.holder)) return false;
  // The rename is atomic, so only one of several processes moves the dead lock. A process that has moved a newer lock
  // instead puts it back.
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return false;
  }
  const moved = readText(aside);
  if (moved !== before) {
    renameSync(aside, path);
    return false;
  }
  rmSync(aside, { force: true });
  return tryLock(path, own);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The addresses of the stack that runs on a folder; null when no stack runs or it is not ready. */
export function findRunningStack(path: string): ReadyFile | null {
  const lock = readJsonFile<Lock>(join(path, LOCK));
  if (!lock || !isAlive(lock.holder)) return null;
  return readJsonFile<ReadyFile>(join(path, READY));
}
