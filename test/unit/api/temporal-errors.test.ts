import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { toHttpError } from '../../../api/middleware/errors.ts';
import { toTemporalFault } from '../../../api/http/temporal-errors.ts';
import { describeClosing } from '../../../api/turns/describe-closing.ts';

/** As the client throws it: its own class around what gRPC said. */
const refused = (code: number) =>
  new ServiceError('Failed to start Workflow', {
    cause: Object.assign(new Error('said by the server'), { code, details: 'details', metadata: {} }),
  });

test('each gRPC status has its own answer, and none is a 500', () => {
  for (let code = 1; code <= 16; code += 1) {
    if (code === 6) continue;
    const answer = toHttpError(refused(code));
    assert.equal(answer?.status, 503, String(code));
    assert.match(answer.headers['Retry-After'] ?? '', /^[0-9]+$/);
    assert.doesNotMatch(answer.message, /details|said by the server/);
  }
  const kinds = (codes: number[]) => codes.map((code) => toTemporalFault(refused(code))?.kind);
  assert.deepEqual(kinds([1, 4, 14]), ['away', 'away', 'away']);
  assert.deepEqual(kinds([8]), ['busy']);
  assert.deepEqual(
    kinds([3, 5, 7, 9, 12, 16]),
    Array.from({ length: 6 }, () => 'refused'),
  );
  assert.doesNotMatch(toHttpError(refused(7))!.message, /not reachable|try again/);
  assert.match(toHttpError(refused(16))!.message, /TEMPORAL_API_KEY/);
  assert.match(toHttpError(new NamespaceNotFoundError('copilot'))!.message, /TEMPORAL_NAMESPACE/);
  assert.equal(toTemporalFault(new Error('anything else')), null);
});

test('only a status that the server itself gave says that nothing was done', () => {
  const undone = [1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 16].filter(
    (code) => toTemporalFault(refused(code))?.undone,
  );
  assert.deepEqual(undone, [3, 5, 7, 9, 12, 16]);
});

test('how a workflow closed is told apart', () => {
  const states = ['TERMINATED', 'CANCELLED', 'TIMED_OUT', 'FAILED', 'LOST', 'REPLACED', 'COMPLETED'];
  const said = states.map((state) => {
    const { outcome } = describeClosing(state);
    return outcome.kind === 'error' ? outcome.message : outcome.stopReason;
  });
  assert.equal(new Set(said).size, states.length);
  assert.equal(said.filter((text) => text.includes('by an operator')).length, 1);
  assert.equal(said[1], 'cancelled');
});
