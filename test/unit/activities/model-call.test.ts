/** Attempts of the same model call that overlap in a process share one call, and what a call streams. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Attempt } from '../../../activities/attempt/attempt.ts';
import { createSharedCalls, type ModelCall, streamModel } from '../../../activities/attempt/model-call.ts';
import type { CallModelInput } from '../../../contracts/turn.ts';
import { createCatalogue } from '../../../models/catalogue.ts';
import { createMetrics } from '../../../runtime/metrics/metrics.ts';
import type { ModelEvent, ModelRequest } from '../../../llm/types.ts';

const LINGER_MS = 15_000;
type CallInput = Pick<CallModelInput, 'turnId' | 'step' | 'model'>;
const input: CallInput = { turnId: 't', step: 3 };

/** An activity whose calls end when the test says so, and the attempts that Temporal makes of it. */
function createActivity() {
  const calls: (ModelCall & { end: (result: string) => void; fail: (error: Error) => void })[] = [];
  const callOnce = createSharedCalls<CallInput, string>(
    ({ step }) => `step:${step}`,
    (_, call) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      calls.push({ ...call, end: resolve, fail: reject });
      return promise;
    },
  );
  return {
    calls,
    attempt: ({ isFinal = false, of = input }: { isFinal?: boolean; of?: CallInput } = {}) => {
      const cancel = new AbortController();
      const attempt: Attempt = {
        work: { details: {}, fence: null },
        signal: cancel.signal,
        number: 1,
        lost: 0,
        isFinal: () => isFinal,
        async claim({ turnId, key }) {
          attempt.work.fence = { turnId, key, epoch: 1 };
          return { fence: attempt.work.fence, stored: null, deaths: 0, wasShown: false };
        },
      };
      return {
        attempt,
        run: () => callOnce(attempt, of),
        cancel: () => cancel.abort(new Error('cancelled')),
      };
    },
  };
}

test('a second attempt waits for the call of the first, and heartbeats what that call does', async () => {
  const { calls, attempt } = createActivity();
  const [first, second] = [attempt(), attempt()];
  const results = [first.run(), second.run()];
  assert.equal(calls.length, 1);
  const call = calls[0]!;
  await call.claim({ turnId: 't', key: 'step:3', step: 3, onFirst: [], textBefore: async () => '' });
  call.heartbeat.tokens = 7;
  for (const { work } of [first.attempt, second.attempt]) {
    assert.deepEqual(work.fence, { turnId: 't', key: 'step:3', epoch: 1 });
    assert.deepEqual(work.details, { step: 3, epoch: 0, characters: 0, tokens: 7 });
  }
  call.end('answer');
  assert.deepEqual(await Promise.all(results), ['answer', 'answer']);
});

test('another turn, step or model is another call, and so is an attempt after the end of a call', async () => {
  const { calls, attempt } = createActivity();
  const others = [input, { ...input, turnId: 'u' }, { ...input, step: 4 }, { ...input, model: 'm' }];
  const results = others.map((of) => attempt({ of }).run());
  assert.equal(calls.length, others.length);
  calls[0]!.fail(new Error('no answer'));
  await assert.rejects(results[0]!, /no answer/);
  results.push(attempt().run());
  assert.equal(calls.length, others.length + 1);
  for (const { end } of calls.slice(1)) end('answer');
  await Promise.all(results.slice(1));
});

test('an attempt that is cancelled leaves the call to the others', async () => {
  const { calls, attempt } = createActivity();
  const [first, second] = [attempt({ isFinal: true }), attempt({ isFinal: true })];
  const [left, stayed] = [first.run(), second.run()];
  first.cancel();
  await assert.rejects(left, /cancelled/);
  assert.equal(calls[0]!.signal.aborted, false);
  calls[0]!.end('answer');
  assert.equal(await stayed, 'answer');
});

test('a call ends at once with its last attempt when no later attempt can want it', async () => {
  const { calls, attempt } = createActivity();
  const last = attempt({ isFinal: true });
  const left = last.run();
  last.cancel();
  await assert.rejects(left, /cancelled/);
  assert.match(String(calls[0]!.signal.reason), /cancelled/);
  void attempt().run();
  assert.equal(calls.length, 2);
});

test('a call goes on for a while after its last attempt, so that the next attempt finds it', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { calls, attempt } = createActivity();
    const [first, second] = [attempt(), attempt()];
    const left = first.run();
    first.cancel();
    await assert.rejects(left, /cancelled/);
    mock.timers.tick(LINGER_MS - 1);
    const alsoLeft = second.run();
    assert.equal(calls.length, 1);
    mock.timers.tick(LINGER_MS);
    assert.equal(calls[0]!.signal.aborted, false);
    second.cancel();
    await assert.rejects(alsoLeft, /cancelled/);
    mock.timers.tick(LINGER_MS);
    assert.equal(calls[0]!.signal.aborted, true);
    void attempt().run();
    assert.equal(calls.length, 2);
  } finally {
    mock.timers.reset();
  }
});

test('an attempt that is cancelled before it begins starts no call', async () => {
  const { calls, attempt } = createActivity();
  const late = attempt({ isFinal: true });
  late.cancel();
  await assert.rejects(late.run(), /cancelled/);
  assert.equal(calls.length, 0);
});

test('after the abort a usage report that has arrived is handed on, and nothing else', async () => {
  const abort = new AbortController();
  const usage = { inputTokens: 9, cachedTokens: 0, outputTokens: 1, reasoningTokens: 0 };
  const sent: ModelEvent[] = [
    { type: 'text_delta', delta: 'a' },
    { type: 'usage', usage },
    { type: 'text_delta', delta: 'b' },
  ];
  const model = {
    async *stream() {
      yield* sent;
    },
  };
  const request: ModelRequest = {
    model: 'm',
    system: '',
    messages: [],
    tools: [],
    toolChoice: 'auto',
    signal: abort.signal,
  };
  const deps = {
    model,
    metrics: createMetrics({ runtime: false }),
    catalogue: createCatalogue({ openai: true, anthropic: false }),
    traceContent: false,
  };
  const received: ModelEvent[] = [];
  const receive = async (): Promise<void> => {
    for await (const event of streamModel(deps, request)) {
      received.push(event);
      abort.abort(new Error('cancelled'));
    }
  };
  await assert.rejects(receive(), /cancelled/);
  assert.deepEqual(received, sent.slice(0, 2));
});
