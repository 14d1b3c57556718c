/** The trace of a turn, from its start to its activities, on a real Temporal server with fake activities. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { traceStarts } from '../../api/turns/trace-starts.ts';
import type { CallModelInput, TurnProgress } from '../../contracts/turn.ts';
import { takeSpanId } from '../../runtime/tracing/preset-span-id.ts';
import { loadWorkflowBundle } from '../../worker/bundle-cache.ts';
import { traceOptions } from '../../worker/trace-options.ts';
import { type Activities, fakeActivities, modelAnswer, startTurnWorker } from '../support/turn-worker.ts';
import { until } from '../support/until.ts';

const exporter = new InMemorySpanExporter();
let lastId = 0;
const nextId = (digits: number): string => (++lastId).toString(16).padStart(digits, '0');

before(() => {
  trace.setGlobalTracerProvider(
    new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
      idGenerator: {
        generateTraceId: () => nextId(32),
        generateSpanId: () => takeSpanId() ?? nextId(16),
      },
    }),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});
beforeEach(() => exporter.reset());
after(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

type Turn = Awaited<ReturnType<Awaited<ReturnType<typeof startTurnWorker>>['start']>>;

/** Runs a turn. `api` and `worker` say where traces are on. */
async function runTurn(
  activities: Partial<Activities>,
  { api = true, worker = true }: { api?: boolean; worker?: boolean } = {},
  deed: (turn: Turn) => Promise<unknown> = async () => undefined,
) {
  const running = await startTurnWorker(fakeActivities(activities), {
    options: traceOptions(worker),
    interceptors: api ? { workflow: [traceStarts()] } : {},
  });
  try {
    const turn = await running.start();
    await deed(turn);
    await turn.result();
    return { history: await turn.handle.fetchHistory(), spans: exporter.getFinishedSpans() };
  } finally {
    await running.close();
  }
}

const named = (spans: ReadableSpan[], name: string): ReadableSpan => {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `${found.length} spans ${name}`);
  return found[0]!;
};
/** What the span of the whole turn says of its end. */
const endOf = (spans: ReadableSpan[]) => {
  const { attributes, status } = named(spans, 'RunWorkflow:chatTurn');
  return [attributes['copilot.turn_status'], attributes['copilot.stop_reason'], status.code];
};

const asks: Partial<Activities> = {
  callModel: async ({ step }: CallModelInput) =>
    step === 1 ? modelAnswer({ name: 'manage_project_asset', callId: 'c1' }) : modelAnswer(),
};

test('a turn is one trace: its start, its workflow, and in the workflow its activities', async () => {
  const { spans } = await runTurn({
    callModel: async ({ step }: CallModelInput) => (step === 1 ? modelAnswer({}) : modelAnswer()),
  });
  assert.equal(new Set(spans.map((span) => span.spanContext().traceId)).size, 1);
  const workflow = named(spans, 'RunWorkflow:chatTurn');
  assert.equal(
    workflow.parentSpanContext?.spanId,
    named(spans, 'StartWorkflow:chatTurn').spanContext().spanId,
  );
  const activities = spans.filter(({ name }) => name.startsWith('RunActivity:'));
  assert.deepEqual(
    activities.map(({ name }) => name),
    ['callModel', 'runTool', 'callModel', 'finishTurn'].map((name) => `RunActivity:${name}`),
  );
  for (const { parentSpanContext } of activities)
    assert.equal(parentSpanContext?.spanId, workflow.spanContext().spanId);
  assert.deepEqual(endOf(spans), ['complete', 'done', SpanStatusCode.UNSET]);
});

test('a turn that failed, was cancelled, or asked in vain says so', async () => {
  const failed = await runTurn({
    callModel: async () => {
      throw ApplicationFailure.create({ type: 'model_quota', message: 'canary', nonRetryable: true });
    },
  });
  assert.deepEqual(endOf(failed.spans), ['failed', undefined, SpanStatusCode.ERROR]);
  assert.equal(named(failed.spans, 'RunActivity:callModel').attributes['error.type'], 'model_quota');
  assert.doesNotMatch(
    JSON.stringify(failed.spans.map(({ attributes, events, status }) => [attributes, events, status])),
    /canary/,
  );

  exporter.reset();
  const waits: Partial<Activities> = {
    ...asks,
    askConfirmation: async () => ({ wait: { expiresAt: '2026-11-26T00:00:00.000Z', ms: 86_400_000 } }),
  };
  const cancelled = await runTurn(waits, {}, async ({ handle, input }) => {
    await until(
      'the turn waits',
      async () => (await handle.query<TurnProgress>('progress')).pendingConfirmation !== null,
    );
    await handle.signal('cancel', { turnId: input.turnId });
  });
  assert.deepEqual(endOf(cancelled.spans), ['cancelled', 'cancelled', SpanStatusCode.UNSET]);

  exporter.reset();
  const expired = await runTurn({
    ...asks,
    askConfirmation: async () => ({ wait: { expiresAt: '2026-11-24T00:00:00.000Z', ms: 50 } }),
  });
  assert.deepEqual(endOf(expired.spans), ['complete', 'done', SpanStatusCode.UNSET]);
  const settled = named(expired.spans, 'RunActivity:settleConfirmation');
  assert.equal(settled.attributes['copilot.wake_up'], 'expired');
});

test('a trace adds nothing to the history, which replays with and without it', async () => {
  const workflowBundle = await loadWorkflowBundle();
  const kinds = new Set<string>();
  for (const api of [true, false])
    for (const worker of [true, false]) {
      const { history } = await runTurn(asks, { api, worker });
      // How many workflow tasks a turn takes depends on the time. Its own events do not.
      const own = history.events!.filter(
        (event) =>
          !event.workflowTaskScheduledEventAttributes &&
          !event.workflowTaskStartedEventAttributes &&
          !event.workflowTaskCompletedEventAttributes,
      );
      kinds.add(own.map(({ eventType }) => eventType).join());
      for (const replaysWith of [true, false])
        await Worker.runReplayHistory({ workflowBundle, ...traceOptions(replaysWith) }, history);
    }
  assert.equal(kinds.size, 1);
});
