/** The metrics of a process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../../runtime/metrics/metrics.ts';
import { parseMetrics } from '../../support/metrics-page.ts';

test('first tokens after 15, 30 and 60 ms are told apart, as are calls of minutes', async () => {
  const metrics = createMetrics({ runtime: false });
  for (const seconds of [0.015, 0.03, 0.06, 100, 200]) metrics.firstToken.observe(seconds);
  const page = parseMetrics(await metrics.page());
  const upTo = (le: string) => page.value('copilot_first_token_seconds_bucket', { le });
  assert.deepEqual(['0.01', '0.025', '0.05', '0.1', '60', '120', '300'].map(upTo), [0, 1, 2, 3, 3, 4, 5]);
});
