/**
 * A server process of the embedded stack. It is started or adopted, watched, and started again when it dies.
 *
 * The server runs in a process group of its own, so Ctrl-C does not reach it, and it outlives this process when this process
 * is killed. The next start recognises the server by the pid and start time in its pid file, and adopts it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { identify, isAlive, type ProcessIdentity, signalProcess } from '../runtime/process-identity.ts';

const MAX_DEATHS = 5;
const DEATH_WINDOW_MS = 60_000;
const POLL_MS = 250;
const STOP_POLL_MS = 30;
const RESTART_DELAY_MS = 150;
const START_TIMEOUT_MS = 60_000;
const LOG_TAIL_CHARS = 1_500;

export interface ProcessSpec {
  /** The name for messages, such as `Postgres`. */
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  cwd?: string;
  pidFile: string;
  logFile: string;
  /** Called before each start, to remove what a dead server left behind. */
  beforeLaunch?: () => Promise<void>;
  /** Resolves to true when the server accepts work. Rejecting means not yet. */
  isReady: () => Promise<boolean>;
  /** The signals that ask the server to stop, each with the time until the next signal. SIGKILL follows the last one. */
  stopSignals: StopSignal[];
  /** Called after SIGKILL, to kill processes that the server may have left behind. */
  afterKill?: () => void;
  /** Gets the stop function before the process starts, so that a shutdown during the start leaves no process behind. */
  onStart: (stop: () => Promise<void>) => void;
}

export type StopSignal = readonly [signal: NodeJS.Signals, waitMs: number];

export interface SupervisedProcess {
  /** Resolves when the process has died too often and is not started again. */
  gaveUp: Promise<FriendlyError>;
}

/** The process that an earlier start left running, or null. */
export function findOrphan(pidFile: string): ProcessIdentity | null {
  const known = readJsonFile<ProcessIdentity>(pidFile);
  return known && isAlive(known) ? known : null;
}

/** Stops a process with one signal after another, and waits until the process is gone. */
async function stopProcess(
  identity: ProcessIdentity,
  { stopSignals, afterKill }: ProcessSpec,
): Promise<void> {
  for (const [signal, waitMs] of stopSignals) {
    signalProcess(identity, signal);
    for (const until = Date.now() + waitMs; Date.now() < until; await delay(STOP_POLL_MS))
      if (!isAlive(identity)) return;
  }
  while (signalProcess(identity, 'SIGKILL')) await delay(STOP_POLL_MS);
  afterKill?.();
}

/** Adopts the process of the pid file when it still runs, or starts a new one. Resolves when the process is ready. */
export async function superviseProcess(spec: ProcessSpec): Promise<SupervisedProcess> {
  let current: ProcessIdentity | null = null;
  let reaped: Promise<void> = Promise.resolve();
  let stopping = false;
  let starting: Promise<unknown> = Promise.resolve();
  const deaths: number[] = [];
  let giveUp: (error: FriendlyError) => void = () => undefined;
  const gaveUp = new Promise<FriendlyError>((resolve) => (giveUp = resolve));

  const start = async (): Promise<void> => {
    await spec.beforeLaunch?.();
    if (stopping) throw new FriendlyError(`${spec.name} was stopped while it was starting.`);
    ({ identity: current, reaped } = launch(spec));
  };
  const begin = async (): Promise<void> => {
    current = findOrphan(spec.pidFile);
    if (current === null) await (starting = start());
    await untilReady(spec, current!);
  };

  const watch = async (): Promise<void> => {
    while (!stopping) {
      await delay(POLL_MS);
      if (stopping || isAlive(current!)) continue;
      const now = Date.now();
      deaths.push(now);
      while (deaths[0]! < now - DEATH_WINDOW_MS) deaths.shift();
      if (deaths.length >= MAX_DEATHS) {
        giveUp(
          new FriendlyError(
            `${spec.name} died ${deaths.length} times within a minute. The end of ${spec.logFile}:\n${logTail(spec.logFile)}`,
          ),
        );
        return;
      }
      console.error(`${spec.name} died; starting it again on the same port.`);
      // The dead server's port and shared memory may take a moment to become free.
      await delay(RESTART_DELAY_MS * deaths.length);
      if (stopping) return;
      try {
        await (starting = start());
        await untilReady(spec, current!);
      } catch {
        // The process died again; the next round counts this death.
      }
    }
  };

  spec.onStart(async () => {
    stopping = true;
    await starting.catch(() => undefined);
    if (current === null) return;
    await stopProcess(current, spec);
    // Waits for the exit event. Until Node reaps the process, it stays in the process table.
    await reaped;
    rmSync(spec.pidFile, { force: true });
  });
  await begin();
  void watch();
  return { gaveUp };
}

function launch(spec: ProcessSpec): { identity: ProcessIdentity; reaped: Promise<void> } {
  const log = openSync(spec.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(spec.command, spec.args, {
      detached: true,
      stdio: ['ignore', log, log],
      ...(spec.env ? { env: spec.env } : {}),
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    });
  } finally {
    closeSync(log);
  }
  child.on('error', () => undefined);
  const reaped = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (!identity)
    throw new FriendlyError(`${spec.name} could not be started (${spec.command}).\n${logTail(spec.logFile)}`);
  child.unref();
  writeJsonFile(spec.pidFile, identity);
  return { identity, reaped };
}

async function untilReady(spec: ProcessSpec, identity: ProcessIdentity): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS;
  while (!(await spec.isReady().catch(() => false))) {
    if (!isAlive(identity))
      throw new FriendlyError(
        `${spec.name} stopped while it was starting. The end of ${spec.logFile}:\n${logTail(spec.logFile)}`,
      );
    if (Date.now() > until)
      throw new FriendlyError(
        `${spec.name} did not become ready within ${START_TIMEOUT_MS / 1_000} s. See ${spec.logFile}.`,
      );
    await delay(25);
  }
}

function logTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-LOG_TAIL_CHARS);
  } catch {
    return '(no log)';
  }
}
