/**
 * A server process of the embedded stack: started or adopted, watched, started again when it dies.
 *
 * It runs in a process group of its own, so that Ctrl-C reaches only us, and outlives us when we are killed. Its pid
 * file lets the next start recognise it, by pid and start time, and go on with it.
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
  /** For messages, such as `Postgres`. */
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  cwd?: string;
  pidFile: string;
  logFile: string;
  /** Removes what a dead server left behind, before each start. */
  beforeLaunch?: () => Promise<void>;
  /** Resolves to true when the server accepts work. Throwing means not yet. */
  isReady: () => Promise<boolean>;
  /** The signals that ask the server to stop, each with the time until the next one. After the last comes SIGKILL. */
  stopSignals: StopSignal[];
  /** Kills processes that the dead server may have left behind. */
  afterKill?: () => void;
  /** Receives the stop function before the process starts, so that a shutdown during the start leaves no process. */
  onStart: (stop: () => Promise<void>) => void;
}

export type StopSignal = readonly [signal: NodeJS.Signals, waitMs: number];

export interface SupervisedProcess {
  /** Resolves when it died too often to be started again. */
  gaveUp: Promise<FriendlyError>;
}

/** The process that an earlier start left behind, when it still runs. */
export function findOrphan(pidFile: string): ProcessIdentity | null {
  const known = readJsonFile<ProcessIdentity>(pidFile);
  return known && isAlive(known) ? known : null;
}

/** Stops a process with stronger signals each time, and waits until it is gone. */
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

/** Adopts the orphan of the spec's pid file, or starts the process; resolves when it is ready. */
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
        // It died again; the next round counts this death.
      }
    }
  };

  spec.onStart(async () => {
    stopping = true;
    await starting.catch(() => undefined);
    if (current === null) return;
    await stopProcess(current, spec);
    // Otherwise it stays in the process table until init reaps it.
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
