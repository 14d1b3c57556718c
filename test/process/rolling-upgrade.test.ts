/**
 * Two versions of the code side by side under worker versioning: upgrades and rollbacks with turns that stream, wait and are
 * being confirmed; a version whose workers are gone; and a version that can't replay the turns of the others.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Connection } from '@temporalio/client';
import { loadConfig } from '../../runtime/config.ts';
import { createDeployment, type Deployment } from '../../worker/deployment.ts';
import { type ApiRole, type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { call, upTo } from '../support/cluster-client.ts';
import { type CodeChange, copyCode } from '../support/code-copy.ts';
import { repeats } from '../support/repeats.ts';
import { until, untilValue } from '../support/until.ts';
import { askedTurn, lookAround, playTurns, type RunningTurn } from '../support/whole-turns.ts';

const ROOT = join(import.meta.dirname, '../..');
const ROUNDS = repeats({ test: 1, soak: 10 });
/** Both versions write another line when they go on after a tool call, so that a turn shows which one ran it. */
const ANALYZING = 'Analyzing result...';
const NEXT_ANALYZING = 'Analyzing the result...';
const NEXT: CodeChange[] = [['domain/text/status-map.ts', ANALYZING, NEXT_ANALYZING]];
/** A timer before everything else: no turn of another version replays. */
const REORDERED: CodeChange[] = [
  ['workflows/chat-turn.ts', '  setHandler,\n', '  setHandler,\n  sleep,\n'],
  ['workflows/chat-turn.ts', '  let outcome: Outcome;\n', '  await sleep(1);\n  let outcome: Outcome;\n'],
];

interface Version {
  buildId: string;
  root: string;
  line: string;
}

let cluster: Cluster;
let connection: Connection;
let deployment: Deployment;
let first: Version;
let next: Version;
let reordered: Version;
let api: ApiRole;
let worker: Role;
const apis = (): ApiRole[] => [api];

before(async () => {
  cluster = await startCluster({ script: playTurns });
  const versionIn = (buildId: string, line: string, changes: CodeChange[]): Version => {
    const root = join(cluster.folder, '..', buildId);
    copyCode(root, changes);
    return { buildId, root, line };
  };
  first = { buildId: 'first', root: ROOT, line: ANALYZING };
  next = versionIn('next', NEXT_ANALYZING, NEXT);
  reordered = versionIn('reordered', ANALYZING, REORDERED);
  connection = await Connection.connect({ address: cluster.addresses().temporalAddress });
  deployment = createDeployment(connection, loadConfig({}).temporal);
  [api, worker] = await Promise.all([startApi(first), startWorker(first)]);
  await makeCurrent(first);
});
after(async () => {
  await connection?.close();
  await cluster?.stop();
});

const startApi = ({ root }: Version) => cluster.startApi({}, root);
const startWorker = ({ buildId, root }: Version) => cluster.startWorker({ COPILOT_BUILD_ID: buildId }, root);

/** Makes a version current, once Temporal knows it. */
const makeCurrent = ({ buildId }: Version) =>
  untilValue(
    `${buildId} is current`,
    () => deployment.makeCurrent(buildId),
    (refusal) => refusal === null,
    // Each attempt is an update of the workflow in which Temporal also registers a new version.
    { everyMs: 500 },
  );

const openOf = async ({ buildId }: Version): Promise<number> =>
  (await deployment.list()).find((version) => version.buildId === buildId)!.open;

/** The turn went on after its tool calls on this version alone. */
function assertRanOn({ line }: Version, { reader }: RunningTurn): void {
  const lines = reader.events.flatMap(({ event, message }) =>
    event === 'status' && [ANALYZING, NEXT_ANALYZING].includes(String(message)) ? [message] : [],
  );
  assert.deepEqual(new Set(lines), new Set([line]));
}

/** The provider was asked once for each step. */
function assertAskedOnce(message: string, steps: number): void {
  assert.equal(cluster.fake.requests.filter((request) => request.message === message).length, steps, message);
}

async function run(args: string[], cwd = ROOT): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TEMPORAL_ADDRESS: cluster.addresses().temporalAddress,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code, output };
}

/** Goes from one version to the other while turns run. Both directions are the same steps. */
async function goOver(from: Version, to: Version, round: string): Promise<void> {
  const [approved, rejected, confirming, streaming] = await Promise.all([
    askedTurn(cluster, apis, `${round} approved`),
    askedTurn(cluster, apis, `${round} rejected`),
    askedTurn(cluster, apis, `${round} confirming`),
    lookAround(cluster, apis, `Look ${round}`),
  ]);
  const [oldApi, oldWorker] = [api, worker];
  const [newApi, newWorker] = await Promise.all([startApi(to), startWorker(to)]);
  await Promise.all([makeCurrent(to), confirming.decide(true)]);
  // The old API is still asked: which version begins a turn is not the API's choice.
  const throughOld = await lookAround(cluster, () => [oldApi], `Look ${round} through the old API`);
  [api, worker] = [newApi, newWorker];
  const waiting = await askedTurn(cluster, apis, `${round} waiting`);
  await throughOld.assertWhole();
  await oldApi.kill('SIGTERM');
  const throughNew = await lookAround(cluster, apis, `Look ${round} through the new API`);
  await Promise.all([approved.decide(true), rejected.decide(false), waiting.decide(true)]);

  await Promise.all([approved.assertDone(true), rejected.assertDone(false), confirming.assertDone(true)]);
  await Promise.all([streaming.assertWhole(), throughNew.assertWhole(), waiting.assertDone(true)]);
  for (const turn of [approved, rejected, confirming, streaming]) assertRanOn(from, turn);
  for (const turn of [throughOld, throughNew, waiting]) assertRanOn(to, turn);
  for (const name of ['approved', 'rejected', 'confirming', 'waiting'])
    assertAskedOnce(`Make ${round} ${name}`, 2);
  for (const name of ['', ' through the old API', ' through the new API'])
    assertAskedOnce(`Look ${round}${name}`, 3);

  await untilValue(
    `the turns of ${from.buildId} have ended`,
    () => openOf(from),
    (open) => open === 0,
  );
  await oldWorker.kill('SIGTERM');
}

for (const round of upTo(ROUNDS)) {
  test(`upgrade ${round} of ${ROUNDS}: each turn ends on the version that began it`, async () => {
    await goOver(first, next, `up ${round}`);
  });

  test(`rollback ${round} of ${ROUNDS}: each turn ends on the version that began it`, async () => {
    await goOver(next, first, `down ${round}`);
  });
}

test('turns of a version without workers are kept, and an operator moves them to another version', async () => {
  const replacement = await startWorker(next);
  const waiting = await askedTurn(cluster, apis, 'left waiting');
  const streaming = await lookAround(cluster, apis, 'Look left');
  await worker.kill('SIGKILL');
  await makeCurrent(next);
  worker = replacement;
  await waiting.decide(true);
  const isTold = ({ event, message }: { event: string; message?: unknown }) =>
    event === 'status' && message === 'Waiting for a worker...';
  await Promise.all([waiting.reader.until(isTold), streaming.reader.until(isTold)]);
  const turn = `/api/copilot/sessions/${waiting.session}/turns/${waiting.reader.turnId()}`;
  assert.equal((await call(cluster, api, 'GET', turn)).body.status, 'running');

  const { code, output } = await run(['bin/bootstrap.mjs', 'deployment', 'move', 'first', 'next']);
  assert.equal(code, 0, output);
  assert.match(
    output,
    /2 turns of first were moved.*next \(current\): \d open turns, workers asked for work \d+ s ago/s,
  );
  await Promise.all([waiting.assertDone(true), streaming.assertWhole()]);
  assertRanOn(next, waiting);
});

test('a version that replays no turn of the others fails their recorded histories', async () => {
  const args = ['--test', '--test-name-pattern=^replays', 'test/replay/replay.test.ts'];
  const { code, output } = await run(args, reordered.root);
  assert.equal(code, 1, output);
  assert.match(output, /Nondeterminism/);
});

test('a version that replays no turn of the others begins its own turns and gets no other', async () => {
  const waiting = await askedTurn(cluster, apis, 'kept');
  const strayed = await askedTurn(cluster, apis, 'strayed');
  const replacement = await startWorker(reordered);
  await makeCurrent(reordered);
  const own = await lookAround(cluster, apis, 'Look reordered');
  await waiting.decide(true);
  await waiting.assertDone(true);
  await own.assertWhole();
  assertRanOn(next, waiting);
  assertRanOn(reordered, own);

  // Moved to a version that can't replay it, a turn is not lost: it is moved back.
  assert.equal(await deployment.move('next', 'reordered'), 1);
  await strayed.decide(true);
  await until('the turn does not replay', () => replacement.output().includes('Nondeterminism'));
  assert.equal(await deployment.move('reordered', 'next'), 1);
  await strayed.assertDone(true);
  assertRanOn(next, strayed);
});
