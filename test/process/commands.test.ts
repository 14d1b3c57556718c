/** The commands as a person meets them: what they say when something is in the way, and what they leave behind. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { killProcessesOf } from '../support/leftovers.ts';
import { listenLocally } from '../support/listen.ts';

const ROOT = join(import.meta.dirname, '../..');
const BOOTSTRAP = join(ROOT, 'bin/bootstrap.mjs');
let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ withStack: false, script: () => ({ text: ['Fine.'] }) });
});
after(() => cluster.stop());

/** Runs a command that is expected to end by itself. */
function run(command: string, env: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BOOTSTRAP, command], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, output: stdout + stderr };
}

function assertPlain({ status, output }: { status: number | null; output: string }, pattern: RegExp): void {
  assert.equal(status, 1, output);
  assert.match(output, pattern);
  assert.doesNotMatch(output, /\n\s+at .*:\d+:\d+/, 'a person is shown no stack');
}

test('npm start writes ready.json for its owner alone, a twin is told, and stopping takes everything away', async () => {
  const started = await cluster.startAll({ TEMPORAL_UI_URL: 'https://temporal.example' });
  assert.match(
    started.output(),
    /^Temporal UI: +https:\/\/temporal\.example$/m,
    'not the one of the embedded server',
  );
  const mode = (name: string): number => statSync(join(cluster.folder, name)).mode & 0o777;
  assert.deepEqual([mode('ready.json'), mode('jwt-secret'), mode('postgres.json')], [0o600, 0o600, 0o600]);
  assert.equal((await fetch(`${started.url}/readyz`)).status, 200);
  const pasted = started.output().slice(started.output().indexOf('KEY='));
  const answer = await new Promise<string>((resolve) => {
    const shell = spawn('sh', ['-c', pasted], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    shell.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    shell.on('close', () => resolve(text));
  });
  assert.match(answer, /"event":"start","seq":1/);
  assert.match(answer, /"event":"complete"/);

  for (const twin of ['start', 'stack']) {
    assertPlain(run(twin, { COPILOT_DATA_DIR: cluster.folder, PORT: '0' }), /already running on .*pid \d+/);
  }
  const pids = [cluster.serverPid('postgres'), cluster.serverPid('temporal')];
  const stoppedAt = Date.now();
  await started.kill('SIGTERM');
  assert.ok(Date.now() - stoppedAt < 10_000);
  assert.equal(started.child.exitCode, 0);
  for (const name of ['ready.json', 'lock.json', 'postgres.pid.json', 'temporal.pid.json']) {
    assert.ok(!existsSync(join(cluster.folder, name)), name);
  }
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assertPlain(run('worker', { COPILOT_DATA_DIR: cluster.folder }), /no stack is running/);
  assertPlain(run('api', { COPILOT_DATA_DIR: cluster.folder, PORT: '0' }), /no stack is running/);
});

test('npm run cluster says that Go is missing, and keeps away from servers and folders that are not its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'copilot-no-go-'));
  chmodSync(folder, 0o711);
  try {
    const env = { COPILOT_DATA_DIR: join(folder, 'data'), XDG_CACHE_HOME: join(folder, 'cache') };
    assertPlain(run('cluster', { ...env, PATH: '/usr/bin:/bin' }), /built with Go, which is not installed/);
    for (const [name, value] of Object.entries({ TEMPORAL_ADDRESS: 'a:1', DATABASE_URL: 'postgres://a/b' }))
      assertPlain(run('cluster', { ...env, [name]: value }), /unset DATABASE_URL and TEMPORAL_ADDRESS/);
    // cluster.folder has been the data folder of npm start.
    assertPlain(run('cluster', { COPILOT_DATA_DIR: cluster.folder }), /belongs to a Temporal/);
    writeFileSync(join(folder, 'data/temporal-cluster.json'), '{"shards":4,"ports":[]}');
    assertPlain(run('cluster', { ...env, COPILOT_CLUSTER_SHARDS: '8' }), /created with 4 shards/);
    assertPlain(run('stack', env), /belongs to a Temporal cluster/);
  } finally {
    killProcessesOf(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a port that is taken, a foreign folder and a bad environment are each said in plain words', async () => {
  const other = createServer();
  const { port, close } = await listenLocally(other);
  assertPlain(
    run('start', { COPILOT_DATA_DIR: cluster.folder, PORT: String(port) }),
    new RegExp(`Port ${port} .*taken.*PORT=`),
  );
  await close();

  const foreign = mkdtempSync(join(tmpdir(), 'copilot-foreign-'));
  writeFileSync(join(foreign, 'thesis.txt'), 'mine');
  assertPlain(
    run('stack', { COPILOT_DATA_DIR: foreign }),
    /not a data folder of the copilot.*COPILOT_DATA_DIR/,
  );
  assert.ok(existsSync(join(foreign, 'thesis.txt')));
  chmodSync(foreign, 0o700);
  rmSync(foreign, { recursive: true });

  const bad = run('stack', {
    COPILOT_DATA_DIR: cluster.folder,
    PORT: 'x',
    JWT_SECRET: 'short',
    COPILOT_CONFIRMATION_TTL: 'soon',
  });
  assertPlain(bad, /PORT.*[\s\S]*JWT_SECRET.*[\s\S]*COPILOT_CONFIRMATION_TTL/);
  assert.doesNotMatch(bad.output, /short/);
});
