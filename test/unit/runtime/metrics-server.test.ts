/** The pages of a worker: its metrics, and whether it is ready. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../../runtime/metrics/metrics.ts';
import { serveMetrics } from '../../../runtime/metrics/server.ts';

test('a worker is ready from its first poll on, and a probe from elsewhere needs no token', async (t) => {
  let isReady = false;
  const address = { host: '127.0.0.1', port: 0, token: 'scrape' };
  const server = await serveMetrics(createMetrics(), { ...address, isReady: () => isReady });
  t.after(() => server.close());
  const probe = async (path: string, method = 'GET'): Promise<number> => {
    const response = await fetch(new URL(path, server.url), {
      method,
      headers: { 'X-Forwarded-For': '192.0.2.1' },
    });
    await response.arrayBuffer();
    return response.status;
  };
  assert.equal(await probe('/readyz'), 503);
  isReady = true;
  assert.equal(await probe('/readyz'), 200);
  assert.equal(await probe('/readyz', 'HEAD'), 200);
  assert.equal(await probe('/readyz', 'POST'), 405);
  assert.equal(await probe('/metrics'), 401);
});
