/**
 * Records the histories that replay.test.ts holds the workflow to, those that are not there yet. Run by hand, before the
 * workflow is changed, when a released shape is added: COPILOT_TEST_TEMPORAL_ADDRESS=<address> node test/replay/record.ts
 */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Context } from '@temporalio/activity';
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
/** Turns that are recorded while they wait for a person. */
const WAITING: ReadonlySet<string> = new Set(['waits-for-a-person', 'waits-again', 'waits-pinned']);
/** Turns that are recorded while an activity runs. */
const RUNNING: ReadonlySet<string> = new Set([
  'thinks',
  'works',
  'thinks-after-a-decision',
  'thinks-as-fallback',
]);
/** The turns by the day on which they were recorded. */
const SHAPES: Record<string, string[]> = {
  '2026-11-24': Object.keys(turns),
  '2026-11-25': [
    'is-approved',
    'is-cancelled-while-it-waits',
    'is-cancelled-by-temporal',
    'waits-for-a-person',
    'carries-traits',
    'has-a-trace',
    'is-rejected',
    'spends-its-budget',
    'is-refused',
    'waits-again',
    'waits-pinned',
    'thinks',
    'works',
    'thinks-after-a-decision',
    'thinks-as-fallback',
  ],
};
let isRunning = Promise.withResolvers<void>();
/** An activity that runs until its worker stops. */
const goesOn = (): Promise<never> => {
  isRunning.resolve();
  return Context.current().cancelled;
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
turns['spends-its-budget'] = { callModel: async () => ({ ...modelAnswer({}), budgetSpent: true }) };
turns['is-refused'] = { callModel: async () => ({ ...modelAnswer(), finish: 'refusal', hasText: false }) };
turns['waits-again'] = {
  ...asks,
  callModel: async () =>
    modelAnswer(
      { name: 'manage_project_asset', callId: 'c1' },
      { name: 'manage_project_asset', callId: 'c2' },
    ),
};
turns.thinks = { callModel: goesOn };
turns.works = {
  callModel: async () => modelAnswer({ name: 'get_block_info' }, { name: 'modify_workflow' }),
  runTool: async ({ name }) => (name === 'modify_workflow' ? goesOn() : { isError: false, preview: 'done' }),
};
turns['thinks-after-a-decision'] = {
  ...asks,
  callModel: async ({ step }) =>
    step === 1 ? modelAnswer({ name: 'manage_project_asset', callId: 'c1' }) : goesOn(),
};
turns['thinks-as-fallback'] = {
  callModel: async ({ model }) => {
    if (model !== undefined) return goesOn();
    throw ApplicationFailure.create({ type: 'model_quota', message: 'used up', nonRetryable: true });
  },
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
  'is-approved': decide,
  'is-rejected': decide,
  'waits-again': async (turn) => {
    await decide(turn);
    await untilItWaits(turn, 'c2');
  },
  'thinks-after-a-decision': decide,
  'is-cancelled-while-it-waits': ({ handle, input }) => handle.signal('cancel', { turnId: input.turnId }),
  'is-cancelled-by-temporal': ({ handle }) => handle.cancel(),
};

/** The workflow only hears that there is a decision, so an approval and a rejection are the same to it. */
async function decide({ handle, input }: Turn): Promise<void> {
  await handle.signal('confirm', { turnId: input.turnId, callId: 'c1' });
}

async function untilItWaits({ handle }: Turn, callId = 'c1'): Promise<void> {
  while ((await handle.query<TurnProgress>('progress')).pendingConfirmation?.callId !== callId)
    await delay(20);
}

/** What the turns are started with, beside the usual. */
const inputs: Record<string, Partial<ChatTurnInput>> = {
  'summarizes-and-falls-back': { fallbackModel: 'other' },
  'thinks-as-fallback': { fallbackModel: 'other' },
};

/** Where a history was recorded is no part of its shape. */
function withoutPlace(key: string, value: unknown): unknown {
  return key === 'identity' || key === 'stackTrace' ? 'recorded' : value;
}

for (const [shape, names] of Object.entries(SHAPES)) {
  for (const name of names) {
    const file = new URL(`./histories/${shape}-${name}.json`, import.meta.url);
    if (existsSync(file)) continue;
    isRunning = Promise.withResolvers();
    const worker = await startTurnWorker(fakeActivities(turns[name]!), {
      interceptors: name === 'has-a-trace' ? { workflow: [traced] } : {},
      ...(name === 'waits-pinned' ? { buildId: 'recorded' } : {}),
    });
    const turn = await worker.start(inputs[name]);
    if (turns[name]!.askConfirmation === asks.askConfirmation) await untilItWaits(turn);
    await deeds[name]?.(turn);
    if (RUNNING.has(name)) await isRunning.promise;
    else if (!WAITING.has(name)) await turn.result();
    const history = JSON.parse(historyToJSON(await turn.handle.fetchHistory())) as unknown;
    writeFileSync(file, `${JSON.stringify(history, withoutPlace)}\n`);
    await worker.close();
  }
}
