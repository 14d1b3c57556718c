/** The pauses between attempts at a turn or a decision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPauses, nextPauseMs } from '../../../api/turns/pauses.ts';

test('a pause doubles up to its limit', () => {
  const pauses: number[] = [];
  for (let n = 0; n < 10; n += 1) pauses.push(nextPauseMs(pauses.at(-1) ?? null, 20, 3_600));
  assert.deepEqual(pauses, [20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
});

test('a key is due again when its pause is over, and at once when it was forgotten', () => {
  let now = 0;
  const pauses = createPauses({ firstMs: 20, maxEntries: 10, now: () => now });
  assert.equal(pauses.isDue('a'), true);
  pauses.grow('a', 60);
  assert.equal(pauses.isDue('a'), false);
  assert.equal(pauses.isDue('b'), true);
  now = 20;
  assert.equal(pauses.isDue('a'), true);
  pauses.grow('a', 60);
  now = 59;
  assert.equal(pauses.isDue('a'), false);
  now = 60;
  assert.equal(pauses.isDue('a'), true);
  pauses.grow('a', 60);
  assert.equal(pauses.isDue('a'), false);
  pauses.forget('a');
  assert.equal(pauses.isDue('a'), true);
});

test('no more keys are kept than allowed: the oldest pause is given up', () => {
  const pauses = createPauses({ firstMs: 20, maxEntries: 2, now: () => 0 });
  for (const key of ['a', 'b', 'a', 'c']) pauses.grow(key, 60);
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => pauses.isDue(key)),
    [false, true, false],
  );
});
