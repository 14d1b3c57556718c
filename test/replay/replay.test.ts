/** The workflow code agrees with the histories of turns that earlier releases started. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { bundleWorkflows } from '../../worker/bundle.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const workflowBundle = await bundleWorkflows();
const folder = new URL('./histories/', import.meta.url);
const read = (file: string) =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as {
    events: Record<string, { activityType?: { name: string } }>[];
  };

for (const file of readdirSync(folder)) {
  test(`replays ${file.replace('.json', '')}`, async () => {
    await Worker.runReplayHistory({ workflowBundle }, read(file));
  });
}

test('a history in which another activity ran does not replay', async () => {
  const history = read('2026-11-24-reads-then-writes-then-answers.json');
  const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes)!;
  scheduled.activityTaskScheduledEventAttributes!.activityType!.name = 'runTool';
  await assert.rejects(Worker.runReplayHistory({ workflowBundle }, history), DeterminismViolationError);
});
