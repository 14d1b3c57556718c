import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSilence } from '../../../api/turns/describe-silence.ts';
import type { TurnProgress } from '../../../contracts/turn.ts';

const NOW = 1_000_000_000;
const at = (ms: number) => ({ seconds: Math.floor(ms / 1_000), nanos: (ms % 1_000) * 1e6 });
const progress: TurnProgress = {
  turnId: 't',
  status: 'running',
  step: 3,
  activity: 'Running SQL query...',
  modelCalls: 2,
  toolCalls: 1,
  pendingConfirmation: null,
};
const model = (fields: object) => ({ activityType: { name: 'callModel' }, attempt: 1, state: 2, ...fields });
const say = (raw: object, live: TurnProgress | null = progress) =>
  describeSilence({ raw }, live, NOW)?.message ?? null;
const heartbeat = (details: unknown) => ({ payloads: [{ data: Buffer.from(JSON.stringify(details)) }] });

test('a retry is said with its reason, its number and the seconds until it', () => {
  const waiting = model({
    state: 1,
    attempt: 4,
    scheduledTime: at(NOW + 7_400),
    lastFailure: { message: 'The model is overloaded' },
  });
  assert.equal(say({ pendingActivities: [waiting] }), 'The model is overloaded (retry 3 in 8 s)...');
  const lost = model({
    state: 1,
    attempt: 2,
    scheduledTime: at(NOW + 200),
    lastFailure: { message: 'activity heartbeat ended', timeoutFailureInfo: { timeoutType: 4 } },
  });
  assert.equal(
    say({ pendingActivities: [lost] }),
    'The worker was lost; another one takes over (retry 1 in 1 s)...',
  );
});

test('a failure that only speaks of a timeout is told as it is', () => {
  const waiting = (message: string) =>
    model({ state: 1, attempt: 2, scheduledTime: at(NOW + 900), lastFailure: { message } });
  assert.equal(
    say({ pendingActivities: [waiting('The provider reports a timeout.')] }),
    'The provider reports a timeout (retry 1 in 1 s)...',
  );
  assert.equal(say({ pendingActivities: [waiting('')] }), 'The model is not available (retry 1 in 1 s)...');
});

test('work that nobody takes waits for a worker', () => {
  assert.equal(
    say({ pendingActivities: [model({ state: 1, scheduledTime: at(NOW - 5_000) })] }),
    'Waiting for a worker...',
  );
  assert.equal(
    say({ pendingWorkflowTask: { scheduledTime: at(NOW - 5_000) } }, null),
    'Waiting for a worker...',
  );
});

test("a running model call tells what its heartbeat knows; anything else tells the turn's own status", () => {
  assert.equal(say({ pendingActivities: [model({})] }), 'Still thinking...');
  assert.equal(
    say({
      pendingActivities: [
        model({ heartbeatDetails: heartbeat({ step: 3, epoch: 1, characters: 480, tokens: 120 }) }),
      ],
    }),
    'Still thinking (about 120 tokens so far)...',
  );
  assert.equal(
    say({ pendingActivities: [model({ attempt: 2, heartbeatDetails: heartbeat(null) })] }),
    'Still thinking (attempt 2)...',
  );
  assert.equal(
    say({ pendingActivities: [{ activityType: { name: 'runTool' }, state: 2, attempt: 1 }] }),
    'Running SQL query...',
  );
  assert.equal(
    say({}, { ...progress, pendingConfirmation: { callId: 'c', expiresAt: '' } }),
    'Waiting for your confirmation...',
  );
  assert.equal(
    say({ pendingActivities: [{ activityType: { name: 'runTool' }, state: 2, attempt: 1 }] }, null),
    'Waiting for a worker...',
  );
  assert.equal(say({}, null), null);
});
