/** Temporal's worker versioning: a turn that one build started goes on under the next. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

const deploymentName = `copilot-${randomUUID()}`;
let buildId = 'build-1';
let system: TurnSystem;

before(async () => {
  system = await startTurnSystem({}, undefined, ({ config }) => ({
    config: { ...config, temporal: { ...config.temporal, workerVersion: { deploymentName, buildId } } },
  }));
});
after(() => system.close());

/** Makes a build the deployment's current one, as soon as the server knows it. */
async function makeCurrent(): Promise<void> {
  const change = { namespace: 'default', deploymentName, buildId, identity: 'test' };
  for (const until = Date.now() + 30_000; ; await delay(100)) {
    try {
      await system.connection.workflowService.setWorkerDeploymentCurrentVersion(change);
      return;
    } catch (error: unknown) {
      if (Date.now() > until) throw error;
    }
  }
}

test('a turn that waits for a person on one build is finished by the next', async () => {
  await makeCurrent();
  const create = { action: 'create', kind: 'agent', data: { name: 'Support' } };
  system.scripts.set('Create', (step) =>
    step === 0
      ? { toolCalls: [{ name: 'manage_project_asset', arguments: create }] }
      : { text: ['Created.'] },
  );
  const session = await system.newSession();
  const { end } = await system.chat(session, { message: 'Create it' }, async (event, turnId) => {
    if (event.event !== 'confirmation_required') return;
    await system.stopWorker();
    buildId = 'build-2';
    await system.startWorker();
    await makeCurrent();
    const path = `/api/copilot/sessions/${session.id}/turns/${turnId}/confirmations/${String(event.call_id)}`;
    assert.equal((await system.call('POST', path, { approved: true })).status, 200);
  });
  assert.deepEqual([end.event, end.content], ['complete', 'Created.']);
});
