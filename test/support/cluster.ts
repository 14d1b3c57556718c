/**
 * The service as separate processes: a stack (Postgres and Temporal), workers and APIs, each of which a test may kill,
 * beside a model server that the test scripts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type FakeProvider, type FakeRequest, type Script, startFakeProvider } from './fake-provider.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The entry of this release, and the entry of the release before. */
const ENTRIES = ['bin/bootstrap.mjs', 'runtime/bootstrap.mjs'];

export interface Role {
  child: ChildProcess;
  output(): string;
  /** Sends the signal; resolves when the process is gone (at once for SIGSTOP and SIGCONT). */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export type ApiRole = Role & { url: string };

export interface WireEvent {
  event: string;
  seq?: number;
  [key: string]: unknown;
}

export interface Cluster {
  fake: FakeProvider;
  folder: string;
  key(): string;
  workflowId(): string;
  stack(): Role;
  startStack(): Promise<void>;
  /** `env` adds to the role's environment; `root` is the folder of its code, `script` its entry, where it is another one. */
  startWorker(env?: NodeJS.ProcessEnv, root?: string, script?: string): Promise<Role>;
  startApi(env?: NodeJS.ProcessEnv, root?: string): Promise<ApiRole>;
  /** Where the stack's servers listen. */
  addresses(): { databaseUrl: string; temporalAddress: string };
  /** npm start: stack, worker and API in one process. */
  startAll(): Promise<ApiRole>;
  /** Kills every process with SIGKILL; with `servers` the embedded ones too. */
  killAll(servers: boolean): Promise<void>;
  /** Called when the cluster stops, so that a test that failed leaves nothing running. */
  onStop(end: () => void): void;
  /** The pid of the embedded server, as its pid file names it. */
  serverPid(name: 'postgres' | 'temporal'): number;
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  stop(): Promise<void>;
}

/** Starts the stack and the model server; workers and APIs are the test's to start. */
export async function startCluster(options: {
  script: (request: FakeRequest) => Script;
  /** False: the test starts a stack, or everything, by itself. */
  withStack?: boolean;
}): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'copilot-cluster-'));
  // As root, Postgres runs as another user that must be able to pass through.
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
    async startAll() {
      const all = launch('start');
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
    // It is gone already.
  }
}

/** A JSON request with the cluster's key. */
export async function call(
  cluster: Cluster,
  api: { url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${cluster.key()}`, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    headers: response.headers,
  };
}

/** A new session of the sample workflow. */
export async function newSession(cluster: Cluster, api: { url: string }): Promise<string> {
  const { body } = await call(cluster, api, 'POST', '/api/copilot/sessions', {
    workflow_id: cluster.workflowId(),
  });
  return body.id as string;
}

export interface Reader {
  events: WireEvent[];
  /** When each of them came, as performance.now(). */
  times: number[];
  turnId(): string;
  /** HTTP status of the first answer. */
  status(): number;
  /** Resolves when an event meets the condition; fails after `timeoutMs`. */
  until(condition: (event: WireEvent) => boolean, timeoutMs?: number): Promise<WireEvent>;
  /** Resolves with the terminal event. */
  end(timeoutMs?: number): Promise<WireEvent>;
  stop(): void;
}

/**
 * Sends a chat message and reads its stream as a client would: after every break it goes on from the last id, on the
 * next of the given APIs. `apis` is read at each attempt, so that a test can replace one.
 */
export function chat(
  cluster: Cluster,
  apis: () => { url: string }[],
  sessionId: string,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Reader {
  const events: WireEvent[] = [];
  const times: number[] = [];
  const waiting = new Set<() => void>();
  const abort = new AbortController();
  cluster.onStop(() => abort.abort());
  let turnId = '';
  let status = 0;
  let lastId = 0;
  let failure: Error | null = null;
  const terminal = (): WireEvent | undefined =>
    events.find(({ event }) => event === 'complete' || event === 'error');
  const wake = (): void => {
    for (const check of waiting) check();
  };

  const consume = async (response: Response): Promise<void> => {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of response.body!) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        if (block.startsWith('id: ')) lastId = Number(block.slice(4));
        if (!block.startsWith('data: ')) continue;
        events.push(JSON.parse(block.slice(6)) as WireEvent);
        times.push(performance.now());
        wake();
      }
    }
  };
  const auth = (): Record<string, string> => ({ Authorization: `Bearer ${cluster.key()}` });
  // With a key a client may ask again and again: it gets one turn.
  const retries = headers['Idempotency-Key'] !== undefined;
  const read = async (): Promise<void> => {
    for (let attempt = 0; !terminal() && !abort.signal.aborted; attempt++) {
      const list = apis();
      const api = list[attempt % list.length]!;
      try {
        if (turnId === '') {
          const response = await fetch(`${api.url}/api/copilot/sessions/${sessionId}/chat`, {
            method: 'POST',
            headers: { ...auth(), 'Content-Type': 'application/json', ...headers },
            body: JSON.stringify(body),
            signal: abort.signal,
          });
          status = response.status;
          turnId = response.headers.get('x-turn-id') ?? '';
          if (retries && status === 503) {
            await response.body?.cancel();
          } else if (status !== 200) {
            failure = new Error(`chat answered ${status}: ${await response.text()}`);
            return;
          } else {
            wake();
            await consume(response);
          }
        } else {
          const response = await fetch(
            `${api.url}/api/copilot/sessions/${sessionId}/turns/${turnId}/events`,
            {
              headers: { ...auth(), 'Last-Event-ID': String(lastId) },
              signal: abort.signal,
            },
          );
          if (response.status === 200) await consume(response);
          else await response.body?.cancel();
        }
      } catch (error: unknown) {
        if (turnId === '' && status === 0 && !retries) failure = error as Error;
        if (failure) return;
      }
      if (!terminal()) await delay(50);
    }
  };
  void read().finally(wake);

  const until = (condition: (event: WireEvent) => boolean, timeoutMs = 30_000): Promise<WireEvent> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(check);
        reject(
          new Error(`not seen within ${timeoutMs} ms; the last events: ${JSON.stringify(events.slice(-5))}`),
        );
      }, timeoutMs);
      const check = (): void => {
        const found = events.find(condition);
        if (!found && !failure) return;
        waiting.delete(check);
        clearTimeout(timer);
        if (found) resolve(found);
        else reject(failure!);
      };
      waiting.add(check);
      check();
    });
  return {
    events,
    times,
    turnId: () => turnId,
    status: () => status,
    until,
    end: (timeoutMs) => until(({ event }) => event === 'complete' || event === 'error', timeoutMs),
    stop: () => abort.abort(),
  };
}

/** What a client shows after these events. */
export function shownText(events: WireEvent[]): string {
  let text = '';
  for (const event of events) {
    if (event.event === 'content_delta') text += event.delta as string;
    if (event.event === 'content_reset') text = event.content as string;
  }
  return text;
}

/** The numbered events' seqs, in the order of arrival. */
export function seqs(events: WireEvent[]): number[] {
  return events.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
}

/** 1, 2, 3 ... up to n. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}
