/** The fold from events to a view. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldEvents, initialTurnView, turnError, type TurnEvent } from '../../../client/src/index.ts';
import { complete, fold, numbered, START, type Unnumbered, USAGE } from '../../support/turn-events.ts';

const step = fc.integer({ min: 1, max: 25 });
const callId = fc.constantFrom('one', 'two', 'three');
const anyEvent: fc.Arbitrary<Unnumbered> = fc.oneof(
  fc.record({ event: fc.constant('status' as const), message: fc.string(), step }),
  fc.record({ event: fc.constant('status' as const), message: fc.string(), step, tool: fc.string() }),
  fc.record({ event: fc.constant('status' as const), message: fc.string() }).map((live) => ({ live })),
  fc.record({ event: fc.constant('reasoning_delta' as const), step, delta: fc.string() }),
  fc.record({ event: fc.constant('content_delta' as const), step, delta: fc.string() }),
  fc.record({ event: fc.constant('content_reset' as const), step, content: fc.string() }),
  fc.record({
    event: fc.constant('tool_call' as const),
    name: fc.string(),
    arguments: fc.oneof(fc.string(), fc.dictionary(fc.string(), fc.string())),
    call_id: callId,
    step,
    tool_call: fc.record({ id: callId, name: fc.string() }),
  }),
  fc.record({
    event: fc.constant('tool_result' as const),
    name: fc.string(),
    result: fc.string(),
    call_id: callId,
    step,
    is_error: fc.boolean(),
    truncated: fc.boolean(),
  }),
  fc.record({
    event: fc.constant('confirmation_required' as const),
    call_id: callId,
    name: fc.string(),
    arguments: fc.dictionary(fc.string(), fc.string()),
    summary: fc.string(),
    before: fc.constant(null),
    after: fc.dictionary(fc.string(), fc.string()),
    expires_at: fc.constant('2026-01-01T00:00:00.000Z'),
  }),
  fc.record({
    event: fc.constant('confirmation_resolved' as const),
    call_id: callId,
    decision: fc.constantFrom('approved' as const, 'rejected' as const, 'expired' as const),
  }),
);
const anyTurn = fc
  .tuple(fc.array(anyEvent, { maxLength: 60 }), fc.boolean())
  .map(([events, isOver]) => numbered([START, ...events, ...(isOver ? [complete('the end')] : [])]));

test('folding a prefix and then the rest equals folding all', () => {
  fc.assert(
    fc.property(anyTurn, fc.nat(), (events, at) => {
      const cut = at % (events.length + 1);
      assert.deepEqual(fold(events.slice(cut), fold(events.slice(0, cut))), fold(events));
    }),
  );
});

test('an event that was seen changes nothing: the view is the same object', () => {
  fc.assert(
    fc.property(anyTurn, (events) => {
      const view = fold(events);
      for (const event of events) if (event.seq !== undefined) assert.equal(foldEvents(view, event), view);
    }),
  );
});

test('a replay over what was seen equals one reading', () => {
  fc.assert(
    fc.property(anyTurn, fc.nat(), (all, at) => {
      const events = all.filter(({ seq }) => seq !== undefined);
      const cut = at % (events.length + 1);
      assert.deepEqual(fold(events, fold(events.slice(0, cut))), fold(events));
    }),
  );
});

test('no view that was given is changed', () => {
  const freeze = <T>(value: T): T => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  fc.assert(
    fc.property(anyTurn, (events) => {
      events.reduce((view, event) => foldEvents(freeze(view), freeze(event)), initialTurnView());
    }),
  );
});

test('deltas and resets give the text of complete', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.record({ event: fc.constant('content_delta' as const), step, delta: fc.string() }),
      fc.record({ event: fc.constant('content_reset' as const), step, content: fc.string() }),
    ),
  );
  fc.assert(
    fc.property(pieces, (events) => {
      let content = '';
      for (const event of events)
        content = event.event === 'content_reset' ? event.content : content + event.delta;
      const before = fold(numbered([START, ...events]));
      assert.equal(before.text, content);
      assert.equal(fold(numbered([START, ...events, complete(content)])).text, content);
    }),
  );
});

test('a whole turn, as a page shows it', () => {
  const events = numbered([
    START,
    { event: 'status', message: 'Thinking...', step: 1 },
    { event: 'reasoning_delta', step: 1, delta: 'Let me ' },
    { event: 'reasoning_delta', step: 1, delta: 'see' },
    { event: 'content_delta', step: 1, delta: 'Good' },
    {
      event: 'tool_call',
      name: 'manage_project_asset',
      arguments: { action: 'create' },
      call_id: 'one',
      step: 1,
      tool_call: { id: 'one', name: 'manage_project_asset' },
    },
    { event: 'status', message: 'Managing project asset...', step: 1, tool: 'manage_project_asset' },
    {
      event: 'confirmation_required',
      call_id: 'one',
      name: 'manage_project_asset',
      arguments: { action: 'create' },
      summary: 'Creates an agent',
      before: null,
      after: { name: 'Support' },
      expires_at: '2026-01-01T00:00:00.000Z',
    },
  ]);
  const waiting = fold(events);
  const { lastSeq } = waiting;
  assert.deepEqual(waiting, {
    turnId: 'turn',
    sessionId: 'session',
    userMessageId: 'question',
    messageId: 'answer',
    model: 'demo',
    text: 'Good',
    reasoning: [{ step: 1, text: 'Let me see' }],
    status: { message: 'Managing project asset...', step: 1, tool: 'manage_project_asset' },
    calls: [
      {
        callId: 'one',
        name: 'manage_project_asset',
        arguments: { action: 'create' },
        step: 1,
        state: 'running',
      },
    ],
    confirmations: [
      {
        callId: 'one',
        name: 'manage_project_asset',
        arguments: { action: 'create' },
        summary: 'Creates an agent',
        before: null,
        after: { name: 'Support' },
        expiresAt: '2026-01-01T00:00:00.000Z',
      },
    ],
    diff: null,
    usage: null,
    stopReason: null,
    end: null,
    error: null,
    lastSeq: 8,
  });
  const live = foldEvents(waiting, { event: 'status', message: 'Waiting for confirmation' });
  assert.deepEqual(live.status, { message: 'Waiting for confirmation', live: true });
  assert.equal(live.calls, waiting.calls, 'what did not change is shared');

  const resolved = foldEvents(live, {
    event: 'confirmation_resolved',
    seq: lastSeq + 1,
    call_id: 'one',
    decision: 'rejected',
    reason: 'not now',
  });
  assert.equal(resolved.status, null, 'a live status ends with the next numbered event');
  assert.deepEqual(
    resolved.confirmations.map(({ decision, reason }) => ({ decision, reason })),
    [{ decision: 'rejected', reason: 'not now' }],
  );
  const answered = foldEvents(resolved, {
    event: 'tool_result',
    seq: lastSeq + 2,
    name: 'manage_project_asset',
    result: 'The user said no',
    call_id: 'one',
    step: 1,
    is_error: true,
    truncated: false,
  });
  assert.deepEqual(answered.calls[0], {
    ...waiting.calls[0],
    result: 'The user said no',
    isError: true,
    truncated: false,
    state: 'done',
  });
  const reset = foldEvents(answered, { event: 'content_reset', seq: lastSeq + 3, step: 1, content: 'Go' });
  assert.deepEqual([reset.text, reset.reasoning], ['Go', []]);
  const end = foldEvents(reset, { ...complete('Go'), seq: lastSeq + 4 } as TurnEvent);
  assert.deepEqual(
    [end.end, end.text, end.stopReason, end.usage, end.diff, end.status, end.lastSeq],
    ['complete', 'Go', 'done', USAGE, { remove_blocks: ['a'] }, null, 12],
  );
  assert.equal(foldEvents(end, { event: 'status', message: 'too late' }), end);
});

test('a failed turn keeps what it did, and names why it failed', () => {
  const event = {
    event: 'error' as const,
    seq: 3,
    error: 'The model is overloaded',
    code: 'model_unavailable' as const,
    message_id: 'answer',
    turn_id: 'turn',
  };
  const view = fold([...numbered([START, { event: 'content_delta', step: 1, delta: 'Go' }]), event]);
  assert.deepEqual(
    [view.end, view.text, view.error, view.status],
    ['error', 'Go', { code: 'model_unavailable', message: 'The model is overloaded' }, null],
  );
  const { code, message, status } = turnError(event);
  assert.deepEqual([code, message, status], ['model_unavailable', 'The model is overloaded', 0]);
});

test('a view that begins in the middle of a turn takes the text from complete', () => {
  const [, delta, end] = numbered([
    START,
    { event: 'content_delta', step: 1, delta: ' end' },
    complete('The end'),
  ]);
  assert.equal(fold([delta!, end!]).text, 'The end');
});

test('an event of a later version counts, and changes nothing else', () => {
  const view = fold(numbered([START]));
  const novelty = JSON.parse('{"event":"novelty","seq":2}') as TurnEvent;
  assert.deepEqual(foldEvents(view, novelty), { ...view, lastSeq: 2 });
});

test('a delta copies only the entry of its step, however many deltas came before', () => {
  const delta = (step: number, n: number): Unnumbered =>
    n % 2 === 0
      ? { event: 'content_delta', step, delta: 'word ' }
      : { event: 'reasoning_delta', step, delta: 'thought ' };
  const events = numbered([START, ...Array.from({ length: 10_000 }, (_, n) => delta(1 + (n % 25), n))]);
  let before = initialTurnView();
  for (const event of events) {
    const after = foldEvents(before, event);
    assert.ok(after.reasoning.length <= 25);
    assert.equal(after.calls, before.calls);
    assert.equal(after.confirmations, before.confirmations);
    for (const entry of after.reasoning)
      assert.ok(
        before.reasoning.includes(entry) || (event.event === 'reasoning_delta' && event.step === entry.step),
      );
    before = after;
  }
});
