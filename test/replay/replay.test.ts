/** The workflow code agrees with the histories of turns that earlier releases started. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { loadWorkflowBundle } from '../../worker/bundle-cache.ts';
import { traceOptions } from '../../worker/trace-options.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const workflowBundle = await loadWorkflowBundle();
const folder = new URL('./histories/', import.meta.url);
const read = (file: string) =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as {
    events: Record<string, { activityType?: { name: string } }>[];
  };

for (const file of readdirSync(folder)) {
  const name = file.replace('.json', '');
  test(`replays ${name}, with traces and without`, async () => {
    for (const isOn of [true, false])
      await Worker.runReplayHistory({ workflowBundle, ...traceOptions(isOn) }, read(file));
  });

  test(`does not replay ${name} when its last activity was another one`, async () => {
    const history = read(file);
    const scheduled = history.events.findLast((event) => event.activityTaskScheduledEventAttributes)!;
    scheduled.activityTaskScheduledEventAttributes!.activityType!.name = 'another';
    await assert.rejects(
      Worker.runReplayHistory({ workflowBundle, ...traceOptions(false) }, history),
      DeterminismViolationError,
    );
  });
}

/** Names of the event kinds that the histories hold, such as `timerStarted`. */
const kinds = new Set(
  readdirSync(folder).flatMap((file) =>
    read(file).events.flatMap((event) =>
      Object.keys(event).flatMap((key) => /^(\w+)EventAttributes$/.exec(key)?.[1] ?? []),
    ),
  ),
);

test('the histories hold signals, cancellations, timers, failures, and turns that are open', () => {
  for (const kind of [
    'workflowExecutionSignaled',
    'workflowExecutionCancelRequested',
    'timerStarted',
    'timerFired',
    'timerCanceled',
    'activityTaskFailed',
    'upsertWorkflowSearchAttributes',
  ])
    assert.ok(kinds.has(kind), kind);
  const open = readdirSync(folder).filter(
    (file) => !read(file).events.at(-1)!.workflowExecutionCompletedEventAttributes,
  );
  assert.deepEqual(
    open,
    [
      'thinks-after-a-decision',
      'thinks-as-fallback',
      'thinks',
      'waits-again',
      'waits-for-a-person',
      'waits-pinned',
      'works',
    ].map((name) => `2026-11-25-${name}.json`),
  );
});
