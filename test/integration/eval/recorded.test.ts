/** Every case of the eval, on its recorded answers: the checks hold, and the model sees what the snapshots show. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { CASES } from '../../../eval/cases/index.ts';
import { compareSnapshots, snapshotFiles } from '../../../eval/report/snapshots.ts';
import { runCases, type Trial } from '../../../eval/run-cases.ts';

let trials: Trial[] = [];

before(async () => {
  trials = await runCases({
    servers: {
      databaseUrl: process.env.COPILOT_TEST_DATABASE_URL ?? '',
      temporalAddress: process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '',
    },
    cases: CASES,
    trials: 1,
    parallel: 3,
    variant: { model: null, env: {} },
  });
});

test('every case passes on its recorded answers', () => {
  assert.deepEqual(
    trials.flatMap((trial) => trial.faults.map(({ check, fault }) => `${trial.case.id}: ${check}: ${fault}`)),
    [],
  );
  assert.equal(trials.length, CASES.length);
});

test('the model sees what the snapshots show', () => {
  assert.deepEqual(
    compareSnapshots(snapshotFiles(trials)),
    [],
    'What a model sees has changed. Is that meant? `npm run eval -- --update` writes the new snapshots; commit them.',
  );
});
