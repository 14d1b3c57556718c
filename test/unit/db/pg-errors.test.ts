import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHttpError } from '../../../api/middleware/errors.ts';
import { PostgresAwayError } from '../../../db/connection/pg-client.ts';
import { isTransient } from '../../../db/connection/pg-errors.ts';

const failed = (code: string): Error => Object.assign(new Error('said by the server'), { code });

test('a server that is away, full, busy or failing is one that may do the same later: 503, and never a 500', () => {
  // No connection, conflicts, locks and timeouts, no room (disk, memory, connections), a stop, a failure of its system.
  const codes = ['08006', 'ECONNREFUSED', '40001', '40P01', '25P03', '55P03'];
  codes.push('53100', '53200', '53300', '53400', '57014', '57P01', '57P03', '58000', '58030');
  for (const error of [new PostgresAwayError('no answer'), ...codes.map(failed)]) {
    assert.ok(isTransient(error), String((error as { code?: unknown }).code));
    const answer = toHttpError(error);
    assert.equal(answer?.status, 503, String((error as { code?: unknown }).code));
    assert.match(answer.headers['Retry-After'] ?? '', /^[0-9]+$/);
  }
});

test('a statement that is wrong is wrong the next time too', () => {
  for (const code of ['22P05', '23503', '23505', '42601', '42P01', '54000', 'XX000', 'FENCED'])
    assert.equal(isTransient(failed(code)), false, code);
  assert.equal(isTransient(new Error('anything else')), false);
});
