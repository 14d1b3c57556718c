/** Links from a turn to the Temporal UI. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurnLink } from '../../../api/turns/turn-link.ts';

const createdAt = new Date('2026-11-25T10:00:01.000Z');

test('a link lists the runs of the session in the time of the turn', () => {
  const link = createTurnLink({ uiUrl: 'https://temporal.example/ui/', namespace: 'a b' });
  const running = new URL(link({ sessionId: 's', createdAt, finishedAt: null })!);
  assert.equal(running.origin + running.pathname, 'https://temporal.example/ui/namespaces/a%20b/workflows');
  assert.equal(
    running.searchParams.get('query'),
    'WorkflowId = "copilot-session-s" AND StartTime >= "2026-11-25T10:00:00.000Z"',
  );
  const finishedAt = new Date('2026-11-25T10:00:09.000Z');
  const ended = new URL(link({ sessionId: 's', createdAt, finishedAt })!);
  assert.match(ended.searchParams.get('query')!, / AND StartTime <= "2026-11-25T10:00:09.000Z"$/);
});

test('without an address of the UI there is no link', () => {
  const link = createTurnLink({ uiUrl: null, namespace: 'default' });
  assert.equal(link({ sessionId: 's', createdAt, finishedAt: null }), null);
});
