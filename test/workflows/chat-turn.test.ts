/** The turn's decisions, on a real Temporal server with scripted activities. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MAX_STEPS } from '../../contracts/names.ts';
import type { CallModelInput, FinishTurnInput, RunToolInput, TurnProgress } from '../../contracts/turn.ts';
import { type Activities, fakeActivities, modelAnswer, startTurnWorker } from '../support/turn-worker.ts';

async function runTurn(overrides: Partial<Activities>) {
  const finishes: FinishTurnInput[] = [];
  const fakes = fakeActivities(overrides);
  const worker = await startTurnWorker({
    ...fakes,
    finishTurn: (input) => {
      finishes.push(input);
      return fakes.finishTurn(input);
    },
  });
  try {
    const turn = await worker.start();
    const result = await turn.result();
    const history = await turn.handle.fetchHistory();
    return { result, finishes, history };
  } finally {
    await worker.close();
  }
}

test('an answer without tool calls ends the turn as done', async () => {
  const { result, finishes } = await runTurn({});
  assert.deepEqual(result, { status: 'complete', stopReason: 'done', steps: 1 });
  assert.equal(finishes.length, 1);
});

test('reading tools of a step run together, writing ones one after another and in their place', async () => {
  const log: string[] = [];
  const answers = [
    modelAnswer(
      { name: 'get_block_info', callId: 'r1' },
      { name: 'get_db_schema', callId: 'r2' },
      { name: 'modify_workflow', callId: 'w1' },
      { name: 'modify_workflow', callId: 'w2' },
      { name: 'get_block_info', callId: 'r3' },
    ),
    modelAnswer(),
  ];
  let together = 0;
  await runTurn({
    callModel: async ({ step }: CallModelInput) => answers[step - 1]!,
    runTool: async ({ callId }: RunToolInput) => {
      log.push(`+${callId}`);
      // Both reading calls are under way before either ends.
      if (callId === 'r1' || callId === 'r2') {
        together += 1;
        while (together < 2) await delay(5);
      }
      log.push(`-${callId}`);
      return { isError: false, preview: '' };
    },
  });
  assert.deepEqual(log.slice(0, 2).sort(), ['+r1', '+r2']);
  assert.deepEqual(log.slice(4), ['+w1', '-w1', '+w2', '-w2', '+r3', '-r3']);
});

test(`the turn ends at step ${MAX_STEPS}, whose model call has its tools off`, async () => {
  const calls: CallModelInput[] = [];
  const { result } = await runTurn({
    callModel: async (input: CallModelInput) => {
      calls.push(input);
      return modelAnswer({});
    },
  });
  assert.deepEqual(result, { status: 'complete', stopReason: 'step_limit', steps: MAX_STEPS });
  assert.deepEqual(
    calls.map((call) => call.toolsOff),
    [...Array.from({ length: MAX_STEPS - 1 }, () => false), true],
  );
});

test('the same call three times in a row ends the turn as a loop', async () => {
  const { result } = await runTurn({ callModel: async () => modelAnswer({ argumentsHash: 'same' }) });
  assert.deepEqual(result, { status: 'complete', stopReason: 'loop', steps: 3 });
});

test('a different call in between is no loop', async () => {
  const hashes = ['a', 'a', 'b', 'a', 'a'];
  const { result } = await runTurn({
    callModel: async ({ step }: CallModelInput) =>
      step <= hashes.length ? modelAnswer({ argumentsHash: hashes[step - 1]! }) : modelAnswer(),
  });
  assert.deepEqual(result, { status: 'complete', stopReason: 'done', steps: 6 });
});

test('a final failure of the model ends the turn with its code and message', async () => {
  const { result, finishes } = await runTurn({
    callModel: async () => {
      throw ApplicationFailure.create({
        type: 'model_quota',
        message: 'The quota is used up.',
        nonRetryable: true,
      });
    },
  });
  assert.equal(result.status, 'failed');
  assert.deepEqual(finishes[0]!.outcome, {
    kind: 'error',
    code: 'model_quota',
    message: 'The quota is used up.',
  });
});

test('a failure that may heal is tried again after the delay that it asks for', async () => {
  let attempts = 0;
  const startedAt = Date.now();
  const { result } = await runTurn({
    callModel: async () => {
      attempts += 1;
      if (attempts < 3)
        throw ApplicationFailure.create({
          type: 'model_rate_limited',
          message: 'The model is rate limited',
          nextRetryDelay: '300ms',
        });
      return modelAnswer();
    },
  });
  assert.equal(result.status, 'complete');
  assert.equal(attempts, 3);
  assert.ok(Date.now() - startedAt >= 600);
});

for (const how of ['the cancel signal', "Temporal's own cancellation"] as const) {
  test(`${how} ends the turn as cancelled, and finishing is not cancelled with it`, async () => {
    const finishes: FinishTurnInput[] = [];
    const fakes = fakeActivities({});
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const worker = await startTurnWorker({
      ...fakes,
      callModel: async () => {
        await released;
        return modelAnswer();
      },
      finishTurn: (input) => {
        finishes.push(input);
        return fakes.finishTurn(input);
      },
    });
    try {
      const turn = await worker.start();
      await turn.handle.signal('cancel', { turnId: 'another turn' });
      const progress = await turn.handle.query<TurnProgress>('progress');
      assert.deepEqual([progress.status, progress.step, progress.turnId], ['running', 1, turn.input.turnId]);
      if (how === 'the cancel signal') await turn.handle.signal('cancel', { turnId: turn.input.turnId });
      else await turn.handle.cancel();
      assert.deepEqual(await turn.result(), { status: 'cancelled', stopReason: 'cancelled', steps: 1 });
      assert.deepEqual(
        finishes.map((finish) => finish.outcome),
        [{ kind: 'complete', stopReason: 'cancelled' }],
      );
    } finally {
      release();
      await worker.close();
    }
  });
}
