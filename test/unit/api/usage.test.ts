import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageQuery } from '../../../contracts/http/usage.ts';

test('a day that no calendar has is refused, not read as another day', () => {
  for (const text of ['2026-02-30', '2026-02-29T12:00:00Z', '2026-04-31', '2026-13-01'])
    assert.deepEqual(
      usageQuery.safeParse({ from: text }).error?.issues.map(({ message }) => message),
      ['from must be a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z'],
      text,
    );
  assert.deepEqual(usageQuery.parse({ from: '2028-02-29', to: '2028-02-29T23:00:00-02:00' }), {
    from: new Date('2028-02-29T00:00:00.000Z'),
    to: new Date('2028-03-01T01:00:00.000Z'),
  });
  assert.deepEqual(usageQuery.parse({ from: '' }), { from: null, to: null });
});
