/** The fold from events that are not what the service sends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldEvents, type TurnEvent, type TurnView } from '../../../client/src/index.ts';
import { fold, numbered, START } from '../../support/turn-events.ts';

test('an event that lacks what its kind needs, or has it in another type, counts and changes nothing else', () => {
  const whole = numbered([
    START,
    { event: 'status', message: 'Thinking...' },
    { event: 'reasoning_delta', step: 1, delta: 'Let me see' },
    { event: 'content_delta', step: 1, delta: 'Good' },
    { event: 'content_reset', step: 1, content: 'Go' },
    {
      event: 'tool_call',
      name: 'ask',
      arguments: {},
      call_id: 'one',
      step: 1,
      tool_call: { id: 'one', name: 'ask' },
    },
    {
      event: 'tool_result',
      name: 'ask',
      result: 'yes',
      call_id: 'one',
      step: 1,
      is_error: false,
      truncated: false,
    },
    {
      event: 'confirmation_required',
      call_id: 'one',
      name: 'ask',
      arguments: {},
      summary: 'Asks',
      before: null,
      after: null,
      expires_at: '2026-01-01T00:00:00.000Z',
    },
    { event: 'confirmation_resolved', call_id: 'one', decision: 'approved' },
  ]);
  /** What a view shows nothing of. */
  const unused = [
    'event',
    'seq',
    'tool_call',
    'step of content_delta',
    'step of tool_result',
    'name of tool_result',
  ];
  for (const [at, event] of whole.entries()) {
    const view = fold(whole.slice(0, at));
    for (const name of Object.keys(event)) {
      if (unused.includes(name) || unused.includes(`${name} of ${event.event}`)) continue;
      const { [name]: _, ...rest } = event as unknown as Record<string, unknown>;
      for (const broken of [
        rest,
        ...(['before', 'after'].includes(name) ? [] : [{ ...event, [name]: null }]),
      ]) {
        assert.deepEqual(
          foldEvents(view, JSON.parse(JSON.stringify(broken)) as TurnEvent),
          { ...view, lastSeq: at + 1 },
          `${event.event} without ${name}`,
        );
      }
    }
  }
  const view = fold(whole);
  for (const text of [
    '{"event":"status"}',
    '{"event":"status","message":5}',
    '{"event":"content_delta","delta":"a","seq":"x"}',
  ])
    assert.equal(foldEvents(view, JSON.parse(text) as TurnEvent), view);
});

test('an end that lacks something is the end, and what it lacks stays as it was', () => {
  const view = fold(numbered([START, { event: 'content_delta', step: 1, delta: 'Good' }]));
  const end = (text: string): TurnView => foldEvents(view, JSON.parse(text) as TurnEvent);
  assert.deepEqual(end('{"event":"complete","seq":3}'), { ...view, lastSeq: 3, end: 'complete' });
  assert.deepEqual(end('{"event":"error","seq":3}'), {
    ...view,
    lastSeq: 3,
    end: 'error',
    error: { code: 'internal', message: 'The turn has failed' },
  });
});
