/** Temporal's worker versioning: a turn belongs to the version that began it, until an operator moves it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { TemporalConfig } from '../../../runtime/config.ts';
import { createDeployment, type Deployment } from '../../../worker/deployment.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';
import { untilValue } from '../../support/until.ts';

const name = `copilot-${randomUUID()}`;
let buildId: string | null = 'build-1';
let system: TurnSystem;
let temporal: TemporalConfig;
let deployment: Deployment;

before(async () => {
  system = await startTurnSystem({}, undefined, ({ config }) => {
    temporal = { ...config.temporal, deployment: name, buildId };
    return { config: { ...config, temporal } };
  });
  deployment = createDeployment(system.connection, temporal);
  system.scripts.set('Create', (step) => {
    if (step > 0) return { text: ['Created.'] };
    const create = { action: 'create', kind: 'agent', data: { name: `Support ${randomUUID()}` } };
    return { toolCalls: [{ name: 'manage_project_asset', arguments: create }] };
  });
});
after(() => system.close());

const makeCurrent = (version: string | null) =>
  untilValue(
    `${version} is current`,
    () => deployment.makeCurrent(version),
    (refusal) => refusal === null,
    // Each attempt is an update of the workflow in which Temporal also registers a new version.
    { everyMs: 500 },
  );

const openOf = async (version: string | null): Promise<number> =>
  (await deployment.list()).find((row) => row.buildId === version)!.open;

/** Replaces the worker by one of another version, which becomes the current one. */
async function replaceWorker(version: string | null): Promise<void> {
  await system.stopWorker();
  buildId = version;
  await system.startWorker();
  await makeCurrent(version);
}

test('the first version of a deployment becomes the current one by itself', async () => {
  const session = await system.newSession();
  const { end } = await system.chat(session, { message: 'Hello' });
  assert.equal(end.event, 'complete');
  const current = (await deployment.list()).filter(({ isCurrent }) => isCurrent);
  assert.deepEqual(
    current.map((version) => version.buildId),
    ['build-1'],
  );
  assert.equal(await deployment.beginner(), 'chosen');
});

for (const [from, to] of [
  ['build-1', 'build-2'],
  ['build-2', null],
] as const) {
  test(`a turn waits for ${from} until it is moved to ${to ?? 'the unversioned workers'}`, async () => {
    await makeCurrent(from);
    const session = await system.newSession();
    let moved = 0;
    const { end } = await system.chat(session, { message: 'Create it' }, async (event, turnId) => {
      if (event.event !== 'confirmation_required') return;
      await replaceWorker(to);
      const path = `/api/copilot/sessions/${session.id}/turns/${turnId}`;
      const decision = await system.call('POST', `${path}/confirmations/${String(event.call_id)}`, {
        approved: true,
      });
      assert.equal(decision.status, 200);
      await untilValue(
        'the turn is listed',
        () => openOf(from),
        (open) => open === 1,
      );
      assert.equal((await system.call('GET', path)).body.status, 'running');
      moved = await deployment.move(from, to);
    });
    assert.deepEqual([moved, end.event, end.content], [1, 'complete', 'Created.']);
  });
}

test('a first version leaves new turns to workers without a version', async () => {
  const other = createDeployment(system.connection, { ...temporal, deployment: `${name}-other` });
  await untilValue(
    'Temporal tells that a worker without a version polls',
    () => other.beginner(),
    (beginner) => beginner === 'unversioned',
    { limitMs: 90_000, everyMs: 200 },
  );
});

test('a version that no worker has is not made current', async () => {
  assert.match(String(await deployment.makeCurrent('build-9')), /not found/);
});
