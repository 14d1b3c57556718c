import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createThreadPool, isPassingPoolError, isPoolError } from '../../../runtime/thread-pool.ts';

const entry = new URL('../../support/pool-tasks.ts', import.meta.url);
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

test('a task runs in a thread, and what it throws is its own', async () => {
  const pool = createThreadPool({ entry });
  try {
    assert.equal(await pool.run('whereAmI', null, { bytes: 1 }), 'thread');
    await assert.rejects(pool.run('throwRange', null, { bytes: 1 }), { message: 'too deep' });
    assert.equal(await pool.run('whereAmI', null, { bytes: 1 }), 'thread');
  } finally {
    await pool.close();
  }
});

test('a task that does not end is ended, and the others go on', async () => {
  const pool = createThreadPool({ entry, limitMs: 1_500, maxThreads: 2 });
  try {
    const spinning = assert.rejects(
      pool.run('spin', null, { bytes: 1 }),
      (error: unknown) => codeOf(error) === 'TASK_TIMEOUT' && isPoolError(error),
    );
    assert.equal(await pool.run('whereAmI', null, { bytes: 1 }), 'thread');
    await spinning;
  } finally {
    await pool.close();
  }
});

test('a task that fills its memory takes nothing else with it', { timeout: 120_000 }, async () => {
  const pool = createThreadPool({ entry, limitMs: 100_000, maxThreads: 2, maxHeapMb: 64 });
  try {
    await assert.rejects(
      pool.run('fillMemory', null, { bytes: 1 }),
      (error: unknown) => codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY' && isPoolError(error),
    );
    assert.equal(await pool.run('whereAmI', null, { bytes: 1 }), 'thread');
  } finally {
    await pool.close();
  }
});

test('what waits is bounded in bytes, and a caller that leaves is not waited for', async () => {
  const pool = createThreadPool({ entry, maxBytes: 100 });
  try {
    const leaves = new AbortController();
    const running = pool.run('spin', null, { bytes: 60, signal: leaves.signal });
    await assert.rejects(
      pool.run('whereAmI', null, { bytes: 60 }),
      (error: unknown) => codeOf(error) === 'POOL_BUSY',
    );
    const reason = new Error('gone');
    leaves.abort(reason);
    await assert.rejects(running, reason);
    assert.equal(await pool.run('whereAmI', null, { bytes: 60 }), 'thread');
  } finally {
    await pool.close();
  }
});

test('a task that took too long because it waited, or whose pool was closed, may be done later', async () => {
  const pool = createThreadPool({ entry, limitMs: 1_000, maxThreads: 1 });
  const failureOf = (task: string): Promise<unknown> =>
    pool.run(task, null, { bytes: 1 }).catch((error: unknown) => error);
  const [hopeless, waited] = await Promise.all([failureOf('spin'), failureOf('whereAmI')]);
  assert.deepEqual([codeOf(hopeless), isPassingPoolError(hopeless)], ['TASK_TIMEOUT', false]);
  assert.deepEqual([codeOf(waited), isPassingPoolError(waited)], ['TASK_TIMEOUT', true]);
  const cut = failureOf('spin');
  await pool.close();
  for (const error of [await cut, await failureOf('whereAmI')])
    assert.deepEqual([codeOf(error), isPassingPoolError(error)], ['POOL_CLOSED', true]);
});

test('a pool that was not closed does not keep its process', () => {
  const script = `
    const { createThreadPool } = await import(${JSON.stringify(new URL('../../../runtime/thread-pool.ts', import.meta.url).href)});
    const pool = createThreadPool({ entry: new URL(${JSON.stringify(entry.href)}) });
    console.log(await pool.run('whereAmI', null, { bytes: 1 }));`;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  assert.equal(stdout.trim(), 'thread');
  assert.equal(status, 0);
});
