import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { createByteCache } from '../../../activities/conversation/byte-cache.ts';

test('a cache holds at most its bytes, and drops the longest unused', async () => {
  const cache = createByteCache<string>({ maxBytes: 10, maxEntries: 100, sizeOf: (text) => text.length });
  let loads = 0;
  const load = (text: string) => () => {
    loads += 1;
    return Promise.resolve(text);
  };
  await cache.get('a', load('aaaa'));
  await cache.get('b', load('bbbb'));
  await cache.get('a', load('aaaa'));
  assert.equal(loads, 2);
  await cache.get('c', load('cccc'));
  await setImmediate();
  assert.equal(cache.bytes(), 8);
  await cache.get('a', load('aaaa'));
  assert.equal(loads, 3);
  await cache.get('b', load('bbbb'));
  assert.equal(loads, 4);
  assert.equal(await cache.get('large', load('x'.repeat(11))), 'x'.repeat(11));
  await setImmediate();
  assert.ok(cache.bytes() <= 10);
});

test('a failed load is told and not kept', async () => {
  const cache = createByteCache<string>({ maxBytes: 10, maxEntries: 2, sizeOf: (text) => text.length });
  await assert.rejects(
    cache.get('a', () => Promise.reject(new Error('away'))),
    /away/,
  );
  await setImmediate();
  assert.equal(await cache.get('a', () => Promise.resolve('there')), 'there');
});
