/** What the benchmarks run against: model server, bare server and the whole product, each in processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const ROOT = join(import.meta.dirname, '..');
const START_LIMIT_MS = 15 * 60_000;
/** USER_HZ: 100 on every Linux that Node runs on. */
const TICK_MS = 10;

export interface ReadyFile {
  url: string;
  key: string;
  temporal_address: string;
  database_url: string;
  workflow_id: string;
}

export interface BenchSystem {
  ready: ReadyFile;
  bareUrl: string;
  modelUrl: string;
  /** Process ids. The product's process is API and worker. */
  pids: { product: number; bare: number };
  /** Processor time so far, in milliseconds, by name. Linux only; empty elsewhere. */
  cpu(): Record<string, number>;
  stop(): Promise<void>;
}

/** Starts everything in a temporary folder. `env` adds to the environment of the product. */
export async function startBenchSystem(env: Record<string, string> = {}): Promise<BenchSystem> {
  const folder = makeFolder();
  const children: ChildProcess[] = [];
  const launch = (args: string[], env: Record<string, string>): ChildProcess => {
    const child = launchNode(args, env);
    children.push(child);
    return child;
  };
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await endChild(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const model = launch(['bench/model-server.ts'], {});
    const modelUrl = await addressOf(model);
    const bare = launch(['bench/bare-server.ts'], { OPENAI_BASE_URL: modelUrl });
    const bareUrl = await addressOf(bare);
    const data = join(folder, 'data');
    const product = launch(['--max-semi-space-size=16', 'bin/bootstrap.mjs', 'start'], {
      COPILOT_DATA_DIR: data,
      OPENAI_BASE_URL: modelUrl,
      OPENAI_API: 'responses',
      PORT: '0',
      LOG_LEVEL: 'warn',
      ...env,
    });
    product.stdout!.resume();
    const ready = await untilReady(product, data);
    const serverPid = (name: string): number =>
      (JSON.parse(readFileSync(join(data, `${name}.pid.json`), 'utf8')) as { pid: number }).pid;
    return {
      ready,
      bareUrl,
      modelUrl,
      pids: { product: product.pid!, bare: bare.pid! },
      cpu: (): Record<string, number> =>
        existsSync('/proc/self/stat')
          ? {
              'API and worker': cpuMs(product.pid!),
              Temporal: cpuMs(serverPid('temporal')),
              Postgres: cpuOfTreeMs(serverPid('postgres')),
              'model server': cpuMs(model.pid!),
              'load generator': cpuMs(process.pid),
            }
          : {},
      stop,
    };
  } catch (error: unknown) {
    await stop();
    throw error;
  }
}

/** Starts only the model server, for a benchmark that runs the product itself. */
export async function startModelServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const child = launchNode(['bench/model-server.ts'], {});
  return { url: await addressOf(child), stop: () => endChild(child) };
}

function launchNode(args: string[], env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'copilot-bench-'));
  // As root, Postgres runs as another user that must be able to pass through.
  chmodSync(folder, 0o711);
  return folder;
}

/** Nothing of the caller's configuration leaks into what is measured. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) =>
        !/^(COPILOT_|OPENAI_|ANTHROPIC_|TEMPORAL_|OTEL_|DATABASE_URL$|JWT_SECRET$|HOST$|PORT$|LOG_LEVEL$|npm_)/.test(
          key,
        ),
    ),
  );
}

/** Waits for ready.json. */
export async function untilReady(child: ChildProcess, data: string): Promise<ReadyFile> {
  const file = join(data, 'ready.json');
  for (const until = Date.now() + START_LIMIT_MS; !existsSync(file); await delay(5)) {
    if (child.exitCode !== null || Date.now() > until) throw new Error('the product did not start');
  }
  return JSON.parse(readFileSync(file, 'utf8')) as ReadyFile;
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

/** Waits for the address that a server of the benchmark prints. */
export async function addressOf(child: ChildProcess): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    const match = /listening on (\S+)/.exec(output);
    if (!match) continue;
    // Whatever else it prints is of no interest, and must not stop it.
    child.stdout!.resume();
    return match[1]!;
  }
  throw new Error('a server of the benchmark did not start');
}

/** The memory of a process that is in use, in MB. Linux only; NaN elsewhere. */
export function residentMb(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return Number.NaN;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))?.[1]) / 1024;
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // proc(5): the name may hold spaces; utime, stime, cutime and cstime are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) * TICK_MS;
}

/** A postmaster and its backends. Those that ended are in its own children's time. */
function cpuOfTreeMs(pid: number): number {
  let sum = cpuMs(pid);
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) sum += cpuMs(Number(name));
    } catch {
      // It ended between the two looks.
    }
  }
  return sum;
}
