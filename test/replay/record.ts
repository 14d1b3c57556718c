/**
 * Records the histories that replay.test.ts holds the workflow to, those that are not there yet. Run by hand, before the
 * workflow is changed, when a released shape is added: COPILOT_TEST_TEMPORAL_ADDRESS=<address> node test/replay/record.ts
 */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { TRACE_HEADER } from '../../contracts/names.ts';
import type { CallModelInput, ChatTurnInput, TurnProgress } from '../../contracts/turn.ts';
import {
  type Activities,
  fakeActivities,
  modelAnswer,
  startTurnWorker,
  type TurnWorker,
} from '../support/turn-worker.ts';

const asks: Partial<Activities> = {
  callModel: async ({ step }: CallModelInput) =>
    step === 1
      ? modelAnswer({ name: 'manage_project_asset', callId: 'c1' }, { name: 'modify_workflow' })
      : modelAnswer(),
  askConfirmation: async () => ({ wait: { expiresAt: '2026-11-26T00:00:00.000Z', ms: 86_400_000 } }),
};
const turns: Record<string, Partial<Activities>> = {
  'reads-then-writes-then-answers': {
    callModel: async ({ step }: CallModelInput) =>
      step === 1
        ? modelAnswer({ name: 'get_block_info' }, { name: 'get_db_schema' }, { name: 'modify_workflow' })
        : modelAnswer(),
  },
  'fails-for-good': {
    callModel: async () => {
      throw ApplicationFailure.create({ type: 'model_auth', message: 'refused', nonRetryable: true });
    },
  },
  'runs-in-a-loop': { callModel: async () => modelAnswer({ argumentsHash: 'same' }) },
  'asks-and-nobody-answers': {
    callModel: async ({ step }: CallModelInput) =>
      step === 1
        ? modelAnswer(
            { name: 'manage_project_asset' },
            { name: 'manage_project_asset' },
            { name: 'modify_workflow' },
          )
        : modelAnswer(),
    askConfirmation: async ({ callId }) => ({
      wait: callId.endsWith('0') ? null : { expiresAt: '2026-11-24T00:00:00.000Z', ms: 50 },
    }),
  },
  'is-cut-and-goes-on': {
    callModel: async ({ step }: CallModelInput) =>
      step < 3 ? { ...modelAnswer(), finish: 'length', unfinished: 'cut' } : modelAnswer(),
  },
  'meets-the-step-limit': { callModel: async () => modelAnswer({}) },
  'summarizes-and-falls-back': {
    callModel: async ({ step, model, summarized, squeeze }: CallModelInput) => {
      if (!summarized) return { ...modelAnswer(), tooLong: 'counted' };
      if (step === 2 && model === undefined)
        throw ApplicationFailure.create({ type: 'model_quota', message: 'used up', nonRetryable: true });
      if (step === 2 && !squeeze) return { ...modelAnswer(), tooLong: 'refused' };
      return step < 3 ? { ...modelAnswer({}), latencyMs: 1_000 } : modelAnswer();
    },
  },
};
/** Turns of a later day, with what a person does to them; one that nobody ends is recorded while it is open. */
const SHAPES: Record<string, string[]> = {
  '2026-11-24': Object.keys(turns),
  '2026-11-25': [
    'is-approved',
    'is-cancelled-while-it-waits',
    'is-cancelled-by-temporal',
    'waits-for-a-person',
    'carries-traits',
    'has-a-trace',
  ],
};
const reads = { order: 'reading', status: 'Reading...' } as const;
const writes = { order: 'writing', status: 'Writing...' } as const;
// Tools of a later release: only their traits say how their calls are made.
turns['carries-traits'] = {
  callModel: async ({ step }: CallModelInput) =>
    step === 1
      ? modelAnswer(
          { name: 'reads_later', traits: reads },
          { name: 'get_block_info', traits: writes },
          { name: 'asks_later', traits: { ...writes, confirmed: true } },
          { name: 'writes_later', traits: writes },
          { name: 'reads_later', traits: reads },
        )
      : modelAnswer(),
};
turns['has-a-trace'] = turns['reads-then-writes-then-answers']!;
/** A start whose API makes traces. */
const traced: WorkflowClientInterceptor = {
  startWithDetails: (input, next) => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const header = { [TRACE_HEADER]: defaultPayloadConverter.toPayload({ traceparent }) };
    return next({ ...input, headers: { ...input.headers, ...header } });
  },
};
for (const name of SHAPES['2026-11-25']!) turns[name] ??= asks;
type Turn = Awaited<ReturnType<TurnWorker['start']>>;
const deeds: Record<string, (turn: Turn) => Promise<unknown>> = {
  'is-approved': ({ handle, input }) => handle.signal('confirm', { turnId: input.turnId, callId: 'c1' }),
  'is-cancelled-while-it-waits': ({ handle, input }) => handle.signal('cancel', { turnId: input.turnId }),
  'is-cancelled-by-temporal': ({ handle }) => handle.cancel(),
};

async function untilItWaits({ handle }: Turn): Promise<void> {
  while ((await handle.query<TurnProgress>('progress')).pendingConfirmation === null) await delay(20);
}

/** What the turns are started with, beside the usual. */
const inputs: Record<string, Partial<ChatTurnInput>> = {
  'summarizes-and-falls-back': { fallbackModel: 'other' },
};

/** Where a history was recorded is no part of its shape. */
function withoutPlace(key: string, value: unknown): unknown {
  return key === 'identity' || key === 'stackTrace' ? 'recorded' : value;
}

for (const [shape, names] of Object.entries(SHAPES)) {
  for (const name of names) {
    const file = new URL(`./histories/${shape}-${name}.json`, import.meta.url);
    if (existsSync(file)) continue;
    const worker = await startTurnWorker(fakeActivities(turns[name]!), {
      interceptors: name === 'has-a-trace' ? { workflow: [traced] } : {},
    });
    const turn = await worker.start(inputs[name]);
    if (turns[name] === asks) await untilItWaits(turn);
    await deeds[name]?.(turn);
    if (turns[name] !== asks || deeds[name]) await turn.result();
    const history = JSON.parse(historyToJSON(await turn.handle.fetchHistory())) as unknown;
    writeFileSync(file, `${JSON.stringify(history, withoutPlace)}\n`);
    await worker.close();
  }
}
