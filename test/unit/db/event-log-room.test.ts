/** While Postgres is away, what waits to be written has a bound, and whoever streams is told to wait. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createEventLog } from '../../../db/events/event-log.ts';

test('a claim whose events can not be written has room for a million characters', async () => {
  const log = createEventLog({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', onError: () => undefined });
  const stream = log.open({ turnId: randomUUID(), key: 'step:1', epoch: 1 });
  const other = log.open({ turnId: randomUUID(), key: 'step:1', epoch: 1 });
  const appended: Promise<void>[] = [];
  for (let n = 0; n < 1_000; n += 1) {
    assert.equal(stream.room(), null);
    appended.push(stream.append([{ event: 'content_delta', step: 1, delta: 'x'.repeat(1_000) }]));
  }
  assert.equal(stream.room(), null);
  appended.push(stream.append([{ event: 'content_delta', step: 1, delta: 'x' }]));
  const room = stream.room();
  assert.ok(room instanceof Promise);
  assert.equal(other.room(), null, 'another claim has room of its own');
  await log.close();
  await room;
  const results = await Promise.allSettled(appended);
  assert.ok(results.every(({ status }) => status === 'rejected'));
  assert.equal(stream.room(), null);
});
