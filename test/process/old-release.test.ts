/**
 * A rolling upgrade: processes of the release before this one, on the schema of this one, alone and side by side with
 * this one's. Their code is taken from the repository's history; a clone without it skips these tests.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ApiRole, type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { askedTurn, lookAround, playTurns } from '../support/whole-turns.ts';

/** The last commit of the release before this one. */
const OLD_COMMIT = '50318ce';
const ROOT = join(import.meta.dirname, '../..');

const git = (...args: string[]) =>
  spawnSync('git', ['-C', ROOT, ...args], { maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'ignore'] });
const skip =
  git('cat-file', '-e', `${OLD_COMMIT}^{commit}`).status === 0
    ? false
    : `this clone does not hold commit ${OLD_COMMIT}: fetch its history to run the code of the release before`;

let cluster: Cluster;
/** The arguments that start a role of a release. */
type Release = [env: NodeJS.ProcessEnv, root?: string];
let oldRelease: Release;
let newRelease: Release;

before(async () => {
  if (skip !== false) return;
  cluster = await startCluster({ script: playTurns });
  const root = join(cluster.folder, '../old');
  mkdirSync(root);
  const archive = git('archive', '--format=tar', OLD_COMMIT);
  const unpacked = spawnSync('tar', ['-x', '-C', root], { input: archive.stdout });
  assert.equal(unpacked.status, 0, String(unpacked.stderr));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  // With the addresses in its environment, a role brings the database up to date when it starts.
  const ready = JSON.parse(readFileSync(join(cluster.folder, 'ready.json'), 'utf8')) as Record<
    string,
    string
  >;
  const env = { DATABASE_URL: ready.database_url!, TEMPORAL_ADDRESS: ready.temporal_address! };
  oldRelease = [env, root];
  newRelease = [env];
});
after(() => cluster?.stop());

async function assertReady(api: ApiRole): Promise<void> {
  const response = await fetch(`${api.url}/readyz`);
  assert.equal(response.status, 200, `${await response.text()}\n${api.output()}`);
}

// The steps of one upgrade, and of its way back: each test goes on with the processes of the one before.
let api: ApiRole;
let worker: Role;
const apis = (): ApiRole[] => [api];

test('old processes start, restart and work on the new schema', { skip }, async () => {
  [api, worker] = await Promise.all([cluster.startApi(...oldRelease), cluster.startWorker(...oldRelease)]);
  await assertReady(api);
  const approved = await askedTurn(cluster, apis, 'Old approved');
  const rejected = await askedTurn(cluster, apis, 'Old rejected');
  const looking = await lookAround(cluster, apis);
  // In the middle of everything both are killed and come back: they look at the migrations again.
  await Promise.all([api.kill('SIGKILL'), worker.kill('SIGKILL')]);
  [api, worker] = await Promise.all([cluster.startApi(...oldRelease), cluster.startWorker(...oldRelease)]);
  await assertReady(api);
  await approved.decide(true);
  await rejected.decide(false);
  await looking.assertWhole();
  await approved.assertDone(true);
  await rejected.assertDone(false);
  assert.equal(worker.child.exitCode, null, worker.output());
  assert.equal(api.child.exitCode, null, api.output());
});

test('a new worker finishes what old ones began, and works for an old API', { skip }, async () => {
  const looking = await lookAround(cluster, apis);
  const asked = await askedTurn(cluster, apis, 'Handed over');
  const replacement = await cluster.startWorker(...newRelease);
  await worker.kill('SIGTERM');
  worker = replacement;
  await looking.assertWhole();
  await asked.decide(true);
  await asked.assertDone(true);
  const mixed = await lookAround(cluster, apis);
  await mixed.assertWhole();
});

test('an old worker beside a new API', { skip }, async () => {
  const replacements = [
    await cluster.startApi(...newRelease),
    await cluster.startWorker(...oldRelease),
  ] as const;
  await Promise.all([api.kill('SIGTERM'), worker.kill('SIGTERM')]);
  [api, worker] = replacements;
  await assertReady(api);
  const asked = await askedTurn(cluster, apis, 'Mixed');
  await asked.decide(true);
  await asked.assertDone(true);
  const mixed = await lookAround(cluster, apis);
  await mixed.assertWhole();
});

test('what a new worker began is not lost on an old one', { skip }, async () => {
  const old = worker;
  worker = await cluster.startWorker(...newRelease);
  await old.kill('SIGTERM');
  const looking = await lookAround(cluster, apis);
  const asked = await askedTurn(cluster, apis, 'Handed back');
  const back = await cluster.startWorker(...oldRelease);
  await worker.kill('SIGTERM');
  await asked.decide(false);
  // An old worker can't always replay what a newer one has done. Then it leaves the turn to the next new one.
  worker = await cluster.startWorker(...newRelease);
  await looking.assertWhole();
  await asked.assertDone(false);
  assert.equal(back.child.exitCode, null, back.output());
});
