/** However a command ends, it ends within 10 s and leaves no process behind. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { startCluster } from '../support/cluster.ts';
import { killProcessesOf, processesOf } from '../support/leftovers.ts';
import { until } from '../support/until.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROMISED_MS = 10_000;
const folders: string[] = [];
after(() => {
  for (const folder of folders) {
    killProcessesOf(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'copilot-stopping-'));
  chmodSync(folder, 0o711);
  folders.push(folder);
  return folder;
}

const gone = (child: ChildProcess) => (): boolean => child.exitCode !== null || child.signalCode !== null;

test('npm start stops in time beside a database backend that hears nothing', async () => {
  const cluster = await startCluster({ withStack: false, script: () => ({ text: ['Fine.'] }) });
  folders.push(cluster.folder);
  const started = await cluster.startAll();
  const { database_url: url } = JSON.parse(readFileSync(join(cluster.folder, 'ready.json'), 'utf8')) as {
    database_url: string;
  };
  const client = new pg.Client({ connectionString: url, application_name: 'hanging' });
  client.on('error', () => undefined);
  await client.connect();
  // Minutes of one function without a check for interrupts: neither a cancel nor a fast shutdown ends it.
  const hanging = client.query(`select length(translate(repeat('x', 300000), repeat('y', 300000), ''))`);
  const ended = hanging.then(
    () => 'answered',
    () => 'broken off',
  );
  await until('the query runs', async () => {
    const rows = await cluster.query(
      `select 1 from pg_stat_activity where application_name = 'hanging' and state = 'active'`,
    );
    return rows.length === 1;
  });
  const stoppedAt = Date.now();
  await started.kill('SIGTERM');
  assert.ok(Date.now() - stoppedAt < PROMISED_MS, `stopped after ${Date.now() - stoppedAt} ms`);
  assert.equal(await ended, 'broken off');
  assert.deepEqual(processesOf(cluster.folder), []);
  await cluster.stop();
});

test('a stack that is told to stop while it starts leaves no server behind', async () => {
  for (const file of ['postgres.json', 'postgres.pid.json', 'temporal.pid.json']) {
    const folder = temporaryFolder();
    const data = join(folder, 'data');
    const child = spawn(process.execPath, [join(ROOT, 'bin/bootstrap.mjs'), 'stack'], {
      cwd: ROOT,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        ...(process.env.XDG_CACHE_HOME === undefined ? {} : { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }),
        COPILOT_DATA_DIR: data,
      },
      stdio: 'ignore',
    });
    await until(`${file} is there`, () => existsSync(join(data, file)));
    const stoppedAt = Date.now();
    child.kill('SIGTERM');
    await until('the stack ends', gone(child));
    assert.ok(Date.now() - stoppedAt < PROMISED_MS, `${file}: stopped after ${Date.now() - stoppedAt} ms`);
    await until('nothing is left', () => processesOf(folder).length === 0);
  }
});

test('npm test that is ended by SIGTERM fails and leaves nothing, of its tests neither', async () => {
  const folder = temporaryFolder();
  const npm = spawn('npm', ['test', '--', 'process/ledger'], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: folder, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // Its own stack and the one of its test: two of each server.
  await until('its test runs a stack of its own', () => serversIn(folder) === 4);
  const stoppedAt = Date.now();
  npm.kill('SIGTERM');
  await until('npm ends', gone(npm));
  await until('nothing is left', () => processesOf(folder).length === 0);
  assert.ok(Date.now() - stoppedAt < PROMISED_MS + 2_000, `ended after ${Date.now() - stoppedAt} ms`);
  assert.notEqual(npm.exitCode, 0);
});

/** How many servers keep a pid file somewhere below a folder. */
function serversIn(folder: string): number {
  return globSync('**/data/{postgres,temporal}.pid.json', { cwd: folder }).length;
}
