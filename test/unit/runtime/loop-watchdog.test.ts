import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'node:test';
import { startLoopWatchdog, underName } from '../../../runtime/loop-watchdog.ts';

const hold = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

// First in this file: the process has begun no work yet.
test('a process that still starts tells of itself to whoever debugs', async () => {
  const levels: string[] = [];
  const watchdog = startLoopWatchdog({
    warn: () => void levels.push('warn'),
    debug: () => void levels.push('debug'),
  } as never);
  try {
    await wait(50);
    hold(120);
    while (levels.length === 0) await wait(5);
    assert.deepEqual(levels, ['debug']);
  } finally {
    watchdog.stop();
  }
});

test('what holds the main thread is told once a second, with the names of what ran', async () => {
  const lines: Record<string, unknown>[] = [];
  const watchdog = startLoopWatchdog({ warn: (facts: object) => void lines.push({ ...facts }) } as never);
  try {
    await wait(50);
    await underName('POST /api/somewhere/:id', async () => {
      for (let n = 0; n < 3; n++) {
        hold(120);
        await wait(30);
      }
    });
    assert.equal(lines.length, 1);
    assert.ok(Number(lines[0]!.delay_ms) >= 100);
    assert.deepEqual(lines[0]!.running, ['POST /api/somewhere/:id']);
    const { maxMs, over } = watchdog.stats();
    assert.ok(maxMs >= 100 && over >= 3);
    watchdog.reset();
    assert.equal(watchdog.stats().over, 0);
  } finally {
    watchdog.stop();
  }
});

test('work that has ended is told as begun, no longer as running', async () => {
  const lines: Record<string, unknown>[] = [];
  const watchdog = startLoopWatchdog({ warn: (facts: object) => void lines.push({ ...facts }) } as never);
  try {
    await wait(50);
    await underName('activity runTool', async () => hold(120));
    while (lines.length === 0) await wait(5);
    assert.deepEqual(lines[0]!.running, []);
    assert.equal((lines[0]!.begun as string[]).at(-1), 'activity runTool');
  } finally {
    watchdog.stop();
  }
});
