/**
 * The decisions of the workflow, on a real Temporal server with fake activities. One file, because it tests the one state
 * machine of workflows/chat-turn.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MAX_STEPS } from '../../contracts/limits.ts';
import type {
  CallModelInput,
  ChatTurnInput,
  FinishTurnInput,
  RunToolInput,
  TurnProgress,
} from '../../contracts/turn.ts';
import { type Activities, fakeActivities, modelAnswer, startTurnWorker } from '../support/turn-worker.ts';

async function runTurn(overrides: Partial<Activities>, input: Partial<ChatTurnInput> = {}) {
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
    const turn = await worker.start(input);
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

test('a call is made as its answer says, also one of a tool that this release does not know', async () => {
  const log: string[] = [];
  const writes = { order: 'writing', status: 'Writing...' } as const;
  await runTurn({
    callModel: async ({ step }: CallModelInput) =>
      step === 1
        ? modelAnswer(
            { name: 'writes_later', callId: 'w1', traits: writes },
            { name: 'get_block_info', callId: 'w2', traits: writes },
            { name: 'asks_later', callId: 'q', traits: { ...writes, confirmed: true } },
          )
        : modelAnswer(),
    runTool: async ({ callId }: RunToolInput) => {
      log.push(`+${callId}`);
      await delay(50);
      log.push(`-${callId}`);
      return { isError: false, preview: 'done' };
    },
    askConfirmation: async ({ callId }: RunToolInput) => {
      log.push(`?${callId}`);
      return { wait: null };
    },
  });
  assert.deepEqual(log, ['+w1', '-w1', '+w2', '-w2', '?q']);
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

test('a turn whose budget is used up ends after the calls of its step; an answer that is whole ends it as done', async () => {
  const calls: string[] = [];
  const runTool = async ({ callId }: RunToolInput) => {
    calls.push(callId);
    return { isError: false, preview: 'done' };
  };
  const spent = { budgetSpent: true } as const;
  const afterTools = await runTurn({
    callModel: async ({ step }: CallModelInput) => ({
      ...modelAnswer({ callId: `a${step}` }, { callId: `b${step}`, name: 'modify_workflow' }),
      ...(step === 2 ? spent : {}),
    }),
    runTool,
  });
  assert.deepEqual(calls, ['a1', 'b1', 'a2', 'b2']);
  assert.deepEqual(afterTools.result, { status: 'complete', stopReason: 'budget', steps: 2 });
  const cut = await runTurn({
    callModel: async () => ({ ...modelAnswer(), finish: 'length', unfinished: 'cut', ...spent }),
  });
  assert.deepEqual(cut.result, { status: 'complete', stopReason: 'budget', steps: 1 });
  const whole = await runTurn({ callModel: async () => ({ ...modelAnswer(), ...spent }) });
  assert.deepEqual(whole.result, { status: 'complete', stopReason: 'done', steps: 1 });
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

const asset = modelAnswer({ name: 'manage_project_asset', callId: 'c1' });
const oneQuestion = async ({ step }: CallModelInput) => (step === 1 ? asset : modelAnswer());
const waitFor = (ms: number) => async () => ({
  wait: { expiresAt: new Date(Date.now() + ms).toISOString(), ms },
});

test('a question that nobody answers is settled as expired by a timer', async () => {
  const wakeUps: string[] = [];
  const { result } = await runTurn({
    callModel: oneQuestion,
    askConfirmation: waitFor(300),
    settleConfirmation: async ({ wakeUp }) => wakeUps.push(wakeUp) > 0,
  });
  assert.deepEqual(wakeUps, ['expired']);
  assert.deepEqual(result, { status: 'complete', stopReason: 'done', steps: 2 });
});

test('a call that is refused at once waits for nothing', async () => {
  const { result } = await runTurn({
    callModel: oneQuestion,
    settleConfirmation: async () => {
      throw new Error('there is nothing to settle');
    },
  });
  assert.equal(result.stopReason, 'done');
});

test('a waiting turn holds no activity; a signal wakes it, one without a decision lets it wait on', async () => {
  const wakeUps: string[] = [];
  const worker = await startTurnWorker(
    fakeActivities({
      callModel: oneQuestion,
      askConfirmation: waitFor(600_000),
      settleConfirmation: async ({ wakeUp }) => wakeUps.push(wakeUp) > 1,
    }),
  );
  try {
    const turn = await worker.start();
    const { handle, input } = turn;
    let progress: TurnProgress;
    do progress = await handle.query<TurnProgress>('progress');
    while (progress.pendingConfirmation === null);
    assert.deepEqual(
      [progress.pendingConfirmation.callId, progress.activity],
      ['c1', 'Waiting for your confirmation...'],
    );
    assert.deepEqual((await handle.describe()).raw.pendingActivities ?? [], []);
    await handle.signal('confirm', { turnId: 'another', callId: 'c1' });
    await handle.signal('confirm', { turnId: input.turnId, callId: 'c2' });
    await handle.signal('confirm', { turnId: input.turnId, callId: 'c1' });
    while (wakeUps.length === 0) await delay(5);
    await handle.signal('confirm', { turnId: input.turnId, callId: 'c1' });
    assert.equal((await turn.result()).stopReason, 'done');
    assert.deepEqual(wakeUps, ['decided', 'decided']);
  } finally {
    await worker.close();
  }
});

test('a cancellation while waiting settles the question first, and asks no further one', async () => {
  const log: string[] = [];
  const finishing: TurnProgress[] = [];
  let ask: () => Promise<TurnProgress>;
  const worker = await startTurnWorker(
    fakeActivities({
      callModel: async () =>
        modelAnswer(
          { name: 'manage_project_asset', callId: 'c1' },
          { name: 'manage_project_asset', callId: 'c2' },
        ),
      askConfirmation: async ({ callId }) => {
        log.push(`ask ${callId}`);
        return waitFor(600_000)();
      },
      settleConfirmation: async ({ callId, wakeUp }) => log.push(`${wakeUp} ${callId}`) > 0,
      finishTurn: async () => {
        finishing.push(await ask());
        return { status: 'cancelled', stopReason: 'cancelled' };
      },
    }),
  );
  try {
    const turn = await worker.start();
    const { handle, input } = turn;
    ask = () => handle.query<TurnProgress>('progress');
    while ((await handle.query<TurnProgress>('progress')).pendingConfirmation === null);
    await handle.signal('cancel', { turnId: input.turnId });
    assert.deepEqual(await turn.result(), { status: 'cancelled', stopReason: 'cancelled', steps: 1 });
    assert.deepEqual(log, ['ask c1', 'cancelled c1']);
    assert.deepEqual(
      finishing.map(({ pendingConfirmation, activity }) => [pendingConfirmation, activity]),
      [[null, 'Analyzing result...']],
    );
  } finally {
    await worker.close();
  }
});

test('an answer that asks for more calls than a turn may make ends it as budget', async () => {
  let calls = 0;
  const { result } = await runTurn({
    callModel: async () => modelAnswer(...Array.from({ length: 25 }, () => ({}))),
    runTool: async () => {
      calls += 1;
      return { isError: false, preview: '' };
    },
  });
  assert.deepEqual(result, { status: 'complete', stopReason: 'budget', steps: 3 });
  assert.equal(calls, 50);
});

test('an answer that is cut goes on three times at most, an empty one is asked again once', async () => {
  const cut = { ...modelAnswer(), finish: 'length', unfinished: 'cut' } as const;
  const empty = { ...modelAnswer(), unfinished: 'empty', hasText: false } as const;
  const after = (...answers: Activities['callModel'] extends (i: never) => Promise<infer R> ? R[] : never) =>
    runTurn({ callModel: async ({ step }: CallModelInput) => answers[step - 1] ?? modelAnswer() });
  assert.deepEqual((await after(cut, cut, cut)).result, { status: 'complete', stopReason: 'done', steps: 4 });
  assert.deepEqual((await after(cut, cut, cut, cut)).result, {
    status: 'complete',
    stopReason: 'budget',
    steps: 4,
  });
  assert.deepEqual((await after(empty)).result, { status: 'complete', stopReason: 'done', steps: 2 });
  const silent = await after(empty, empty);
  assert.deepEqual(silent.finishes[0]!.outcome, {
    kind: 'error',
    code: 'model_bad_response',
    message: 'The model gave an empty answer. Please try again.',
  });
});

test('a refusal without a word is an error, one with words an answer', async () => {
  const refuse = (hasText: boolean) =>
    runTurn({ callModel: async () => ({ ...modelAnswer(), finish: 'refusal' as const, hasText }) });
  assert.equal((await refuse(true)).result.stopReason, 'done');
  const { outcome } = (await refuse(false)).finishes[0]!;
  assert.equal(outcome.kind === 'error' && outcome.code, 'model_refused');
});

test('the same call with another result each time is no loop', async () => {
  let calls = 0;
  const { result } = await runTurn({
    callModel: async ({ step }: CallModelInput) =>
      step < 6 ? modelAnswer({ argumentsHash: 'same' }) : modelAnswer(),
    runTool: async () => ({ isError: false, resultHash: String(calls++), preview: '' }),
  });
  assert.deepEqual(result, { status: 'complete', stopReason: 'done', steps: 6 });
});

const failing = (type: string, message = 'no') =>
  ApplicationFailure.create({ type, message, nonRetryable: true });

test('what is too long is summarized once, and halved once a provider has refused it, to the end of the turn', async () => {
  const asked: CallModelInput[] = [];
  const summaries: number[] = [];
  const tooLong = (kind: 'counted' | 'refused') => ({ ...modelAnswer(), tooLong: kind });
  const answers = [tooLong('counted'), modelAnswer({}), tooLong('refused'), modelAnswer({}), modelAnswer()];
  const { result } = await runTurn({
    callModel: async (input: CallModelInput) => {
      asked.push(input);
      return answers[asked.length - 1]!;
    },
    summarizeHistory: async ({ step }: { step: number }) => {
      summaries.push(step);
      throw failing('model_auth');
    },
  });
  assert.deepEqual([result.status, result.stopReason, result.steps], ['complete', 'done', 3]);
  assert.deepEqual(summaries, [1]);
  assert.deepEqual(
    asked.map(({ step, summarized = false, squeeze = false }) => [step, summarized, squeeze]),
    [
      [1, false, false],
      [1, true, false],
      [2, true, false],
      [2, true, true],
      [3, true, true],
    ],
  );
});

test('a model that fails for good gives way to the fallback once, for the rest of the turn', async () => {
  const asked: (string | undefined)[] = [];
  const run = (codes: (string | null)[], fallbackModel?: string) => {
    asked.length = 0;
    return runTurn(
      {
        callModel: async ({ model }: CallModelInput) => {
          asked.push(model);
          const code = codes[asked.length - 1];
          if (code) throw failing(code, `failed: ${code}`);
          return asked.length < codes.length ? modelAnswer({}) : modelAnswer();
        },
      },
      fallbackModel === undefined ? {} : { fallbackModel },
    );
  };
  const { result } = await run([null, 'model_quota', null, null], 'other');
  assert.deepEqual([result.status, asked], ['complete', [undefined, undefined, 'other', 'other']]);
  const both = await run(['model_unavailable', 'model_auth'], 'other');
  assert.deepEqual([both.result.status, asked], ['failed', [undefined, 'other']]);
  // Not without one, not to the same one, and not for what another model could not do better.
  for (const [code, fallback] of [
    ['model_quota', undefined],
    ['model_quota', 'demo'],
    ['model_refused', 'other'],
    ['context_overflow', 'other'],
    ['internal', 'other'],
  ] as const) {
    const { result: alone } = await run([code], fallback);
    assert.deepEqual([alone.status, asked.length], ['failed', 1], code);
  }
});

test('a turn whose model calls took twenty minutes ends as budget', async () => {
  const { result } = await runTurn({
    callModel: async () => ({ ...modelAnswer({}), latencyMs: 6 * 60_000 }),
  });
  assert.deepEqual([result.status, result.stopReason, result.steps], ['complete', 'budget', 4]);
});
