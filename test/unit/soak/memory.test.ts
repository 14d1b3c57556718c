import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeMemory, openFilesOf, rssMbOf, type Sample } from '../../soak/memory.ts';

const HOUR_MS = 3_600_000;
const series = (rssMb: (share: number) => number): Sample[] =>
  Array.from({ length: 300 }, (_, index) => ({
    atMs: (index / 300) * HOUR_MS,
    rssMb: rssMb(index / 300),
  }));

test('a process that grows while it warms up and then stays is flat, noise and all', () => {
  const verdict = judgeMemory(
    series((share) => 100 + Math.min(share, 0.3) * 300 + Math.sin(share * 500) * 8),
    HOUR_MS,
  );
  assert.ok(verdict.isFlat);
  assert.ok(Math.abs(verdict.slopeMbPerHour) < 10);
  const [first, second, last] = verdict.thirdsMb;
  assert.ok(first < second && Math.abs(second - last) < 5);
});

test('a process that goes on growing is not flat', () => {
  const verdict = judgeMemory(
    series((share) => 150 + share * 120),
    HOUR_MS,
  );
  assert.equal(verdict.isFlat, false);
  assert.ok(Math.abs(verdict.slopeMbPerHour - 120) < 1);
});

test('memory and files are read from outside the process', { skip: process.platform !== 'linux' }, () => {
  const rss = process.memoryUsage.rss() / 2 ** 20;
  assert.ok(Math.abs(rssMbOf(process.pid) - rss) < rss / 2);
  assert.ok(openFilesOf(process.pid) > 3);
});
