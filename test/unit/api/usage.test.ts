import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpError } from '../../../api/http/http-error.ts';
import { parseTime } from '../../../api/usage/schema.ts';

test('a day that no calendar has is refused, not read as another day', () => {
  for (const text of ['2026-02-30', '2026-02-29T12:00:00Z', '2026-04-31', '2026-13-01'])
    assert.throws(() => parseTime('from', text), HttpError, text);
  assert.equal(parseTime('from', '2028-02-29')?.toISOString(), '2028-02-29T00:00:00.000Z');
  assert.equal(parseTime('to', '2026-01-31T23:00:00-02:00')?.toISOString(), '2026-02-01T01:00:00.000Z');
  assert.equal(parseTime('to', undefined), null);
});
