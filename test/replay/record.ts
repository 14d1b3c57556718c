/**
 * Records the histories that replay.test.ts holds the workflow to. Run by hand when a released shape is added:
 * COPILOT_TEST_TEMPORAL_ADDRESS=<address> node test/replay/record.ts
 */
import { writeFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { ApplicationFailure } from '@temporalio/common';
import type { CallModelInput, ChatTurnInput } from '../../contracts/turn.ts';
import { type Activities, fakeActivities, modelAnswer, startTurnWorker } from '../support/turn-worker.ts';

const SHAPE = '2026-11-24';
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
/** What the turns are started with, beside the usual. */
const inputs: Record<string, Partial<ChatTurnInput>> = {
  'summarizes-and-falls-back': { fallbackModel: 'other' },
};

/** Where a history was recorded is no part of its shape. */
function withoutPlace(key: string, value: unknown): unknown {
  return key === 'identity' || key === 'stackTrace' ? 'recorded' : value;
}

for (const [name, activities] of Object.entries(turns)) {
  const worker = await startTurnWorker(fakeActivities(activities));
  const turn = await worker.start(inputs[name]);
  await turn.result();
  const history = JSON.parse(historyToJSON(await turn.handle.fetchHistory())) as unknown;
  writeFileSync(
    new URL(`./histories/${SHAPE}-${name}.json`, import.meta.url),
    `${JSON.stringify(history, withoutPlace)}\n`,
  );
  await worker.close();
}
