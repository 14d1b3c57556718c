import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitResult, MAX_RESULT_CHARS } from '../../../activities/tools/fit-result.ts';

test('a row of very many long columns is cut in few rounds', () => {
  const columns = Array.from({ length: 1_300 }, (_, n) => [`column_${n}`, 'x'.repeat(210)]);
  const { user } = process.threadCpuUsage();
  const result = fitResult({ rows: [Object.fromEntries(columns)] });
  const spentMs = (process.threadCpuUsage().user - user) / 1_000;
  assert.ok(JSON.stringify(result).length <= MAX_RESULT_CHARS);
  assert.equal(result.truncated, true);
  // One by one, each column was a round over all of them: several seconds.
  assert.ok(spentMs < 1_000, `${spentMs} ms`);
});

test('the longest texts are cut first', () => {
  const result = fitResult({ long: 'x'.repeat(20_000), short: 'y'.repeat(300) });
  assert.equal(result.short, 'y'.repeat(300));
  assert.ok(String(result.long).endsWith('... [truncated]'));
});
