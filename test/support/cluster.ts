/**
 * Runs the service as separate processes, which a test may kill: a stack (Postgres and Temporal), workers and APIs. A fake
 * provider plays the model.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type FakeProvider, type FakeRequest, type Script, startFakeProvider } from './fake-provider.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The entry of this release and of the release before. */
const ENTRIES = ['bin/bootstrap.mjs', 'runtime/bootstrap.mjs'];

export interface Role {
  child: ChildProcess;
  output(): string;
  /** Sends the signal. Resolves when the process is gone, or at once for SIGSTOP and SIGCONT. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export type ApiRole = Role & { url: string };

export interface Cluster {
  fake: FakeProvider;
  folder: string;
  key(): string;
  workflowId(): string;
  stack(): Role;
  startStack(): Promise<void>;
  /** `env` adds to the environment. `root` is the folder of the code, `script` the entry, if not those of this release. */
  startWorker(env?: NodeJS.ProcessEnv, root?: string, script?: string): Promise<Role>;
  startApi(env?: NodeJS.ProcessEnv, root?: string): Promise<ApiRole>;
  /** The addresses of the stack's servers. */
  addresses(): { databaseUrl: string; temporalAddress: string };
  /** Runs `npm start`: stack, worker and API in one process. */
  startAll(env?: NodeJS.ProcessEnv): Promise<ApiRole>;
  /** Kills every process with SIGKILL; with `servers` also the embedded servers. */
  killAll(servers: boolean): Promise<void>;
  /** Registers a function that `stop` calls, so that a failed test leaves nothing running. */
  onStop(end: () => void): void;
  /** The pid in the pid file of an embedded server. */
  serverPid(name: 'postgres' | 'temporal'): number;
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  stop(): Promise<void>;
}

/** Starts the stack and the fake provider. The test starts workers and APIs. */
export async function startCluster(options: {
  script: (request: FakeRequest) => Script;
  /** False when the test starts the stack itself, by startStack or startAll. */
  withStack?: boolean;
  /** The history shards of the production Temporal server; null for the dev server. */
  shards?: string | null;
}): Promise<Cluster> {
  // `npm test -- --cluster` sets the variable.
  const { shards = process.env.COPILOT_TEST_CLUSTER ?? null } = options;
  const folder = mkdtempSync(join(tmpdir(), 'copilot-cluster-'));
  // When the test runs as root, Postgres runs as another user, who must be able to enter the folder.
  chmodSync(folder, 0o711);
  const data = join(folder, 'data');
  const fake = await startFakeProvider(options.script);
  const roles = new Set<Role>();
  const ends: (() => void)[] = [];
  let stack: Role | null = null;

  const environment = (): NodeJS.ProcessEnv => ({
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ...(process.env.XDG_CACHE_HOME === undefined ? {} : { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }),
    COPILOT_DATA_DIR: data,
    OPENAI_BASE_URL: fake.url,
    OPENAI_API: 'responses',
    PORT: '0',
    LOG_LEVEL: 'warn',
    ...(shards === null ? {} : { COPILOT_EMBEDDED_TEMPORAL: 'cluster', COPILOT_CLUSTER_SHARDS: shards }),
  });

  const launch = (
    command: string,
    env: NodeJS.ProcessEnv = {},
    root = ROOT,
    script = ENTRIES.map((entry) => join(root, entry)).find(existsSync)!,
  ): Role => {
    const child = spawn(process.execPath, ['--max-semi-space-size=16', script, command], {
      cwd: root,
      env: {
        ...environment(),
        // A release in a temporary folder leaves nothing in the cache of this one.
        NODE_COMPILE_CACHE: root === ROOT ? process.env.NODE_COMPILE_CACHE : join(root, 'compile-cache'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const role: Role = {
      child,
      output: () => output,
      async kill(signal) {
        child.kill(signal);
        if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await gone;
      },
    };
    roles.add(role);
    return role;
  };
  const untilSaid = async (role: Role, pattern: RegExp): Promise<RegExpExecArray> => {
    for (const until = Date.now() + 120_000; ; await delay(20)) {
      const match = pattern.exec(role.output());
      if (match) return match;
      if (role.child.exitCode !== null || Date.now() > until)
        throw new Error(`the process did not start:\n${role.output()}`);
    }
  };
  const readyFile = () =>
    JSON.parse(readFileSync(join(data, 'ready.json'), 'utf8')) as {
      key: string;
      workflow_id: string;
      database_url: string;
      temporal_address: string;
    };
  let facts: ReturnType<typeof readyFile> | null = null;
  const pool = (): pg.Pool => {
    const made = new pg.Pool({
      connectionString: readyFile().database_url,
      max: 2,
      connectionTimeoutMillis: 5_000,
    });
    made.on('error', () => undefined);
    return made;
  };
  let database: pg.Pool | null = null;

  const cluster: Cluster = {
    fake,
    folder: data,
    key: () => (facts ??= readyFile()).key,
    workflowId: () => (facts ??= readyFile()).workflow_id,
    addresses() {
      const { database_url, temporal_address } = readyFile();
      return { databaseUrl: database_url, temporalAddress: temporal_address };
    },
    stack: () => stack!,
    async startStack() {
      stack = launch('stack');
      await untilSaid(stack, /The stack is ready/);
      facts = readyFile();
      await database?.end();
      database = pool();
    },
    async startWorker(env, root, script) {
      const worker = launch('worker', env, root, script);
      await untilSaid(worker, /The worker polls/);
      return worker;
    },
    async startApi(env, root) {
      const api = launch('api', env, root);
      const url = (await untilSaid(api, /The API listens on (\S+)/))[1]!;
      return Object.assign(api, { url });
    },
    async startAll(env) {
      const all = launch('start', env);
      const url = (await untilSaid(all, /The copilot is ready: (\S+)/))[1]!;
      facts = readyFile();
      await database?.end();
      database = pool();
      return Object.assign(all, { url });
    },
    async killAll(servers) {
      const running = [...roles].filter(({ child }) => child.exitCode === null && child.signalCode === null);
      const pids = servers ? [cluster.serverPid('postgres'), cluster.serverPid('temporal')] : [];
      const gone = running.map((role) => role.kill('SIGKILL'));
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await Promise.all(gone);
    },
    serverPid: (name) =>
      (JSON.parse(readFileSync(join(data, `${name}.pid.json`), 'utf8')) as { pid: number }).pid,
    query: async (sql, values) => (await database!.query(sql, values)).rows as never,
    onStop: (end) => void ends.push(end),
    async stop() {
      for (const end of ends) end();
      await database?.end();
      const others = [...roles].filter(
        (role) => role !== stack && role.child.exitCode === null && role.child.signalCode === null,
      );
      await Promise.all(others.map((role) => role.kill('SIGKILL')));
      if (stack && stack.child.exitCode === null && stack.child.signalCode === null)
        await stack.kill('SIGTERM');
      for (const name of ['postgres', 'temporal']) {
        const file = join(data, `${name}.pid.json`);
        if (existsSync(file)) killIfThere(cluster.serverPid(name as 'postgres'));
      }
      await fake.close();
      if (fake.refusals.length > 0) throw new Error(`refused as a real provider would: ${fake.refusals[0]}`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  if (options.withStack === false) return cluster;
  await cluster.startStack().catch(async (error: unknown) => {
    await cluster.stop();
    throw error;
  });
  return cluster;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process is gone already.
  }
}
