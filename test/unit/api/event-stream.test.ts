import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderEvent, renderLiveEvent } from '../../../api/event-stream/render-event.ts';
import { createSilenceWatcher, type Quiet } from '../../../api/event-stream/silence-watcher.ts';
import { eventsQuery, lastEventId } from '../../../contracts/http/turns.ts';
import { isUuid } from '../../../domain/text/uuid.ts';
import { createLogger } from '../../../runtime/logger.ts';

test('an event is one data line and a block with its id', () => {
  assert.equal(
    renderEvent({ seq: 2, event: 'status', payload: '{"message":"Thinking..."}' }),
    'data: {"event":"status","seq":2,"message":"Thinking..."}\n\nid: 2\n\n',
  );
  assert.equal(
    renderEvent({ seq: 1, event: 'start', payload: '{}' }),
    'data: {"event":"start","seq":1}\n\nid: 1\n\n',
  );
});

test('a live event has neither seq nor id', () => {
  assert.equal(
    renderLiveEvent('status', { message: 'Waiting for a worker...' }),
    'data: {"event":"status","message":"Waiting for a worker..."}\n\n',
  );
});

test('any payload comes back whole from one line', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ stringUnit: 'binary' })),
      (payload) => {
        const text = JSON.stringify({ ...payload, separators: '\u2028\u2029\u0085\r\n' });
        const block = renderEvent({ seq: 7, event: 'content_delta', payload: text });
        assert.match(block, /^data: [^\n]*\n\nid: 7\n\n$/);
        assert.ok(!/[\r\u0085\u2028\u2029]/.test(block));
        const line = block.slice('data: '.length, block.indexOf('\n'));
        const { event, seq, ...rest } = JSON.parse(line) as Record<string, unknown>;
        const expected = JSON.parse(text) as Record<string, unknown>;
        assert.deepEqual({ event: 'content_delta', seq: 7, ...expected }, { event, seq, ...rest });
      },
    ),
    { numRuns: 300 },
  );
});

test('a Last-Event-ID that is no number in range is 0 or the end; an empty one is none', () => {
  assert.equal(lastEventId.parse(''), undefined);
  assert.equal(lastEventId.parse('7'), 7);
  assert.equal(lastEventId.parse('007'), 7);
  for (const header of ['x', '-1', '1.5', '1e3', '0x10', ' 5', '5,6', '١'])
    assert.equal(lastEventId.parse(header), 0, header);
  assert.equal(lastEventId.parse('9'.repeat(400)), Number.MAX_SAFE_INTEGER);
});

test('an after that is no whole number from 0 on is refused', () => {
  assert.deepEqual(eventsQuery.parse({}), {});
  assert.deepEqual(eventsQuery.parse({ after: '5' }), { after: 5 });
  assert.deepEqual(eventsQuery.parse({ after: '9'.repeat(400) }), { after: Number.MAX_SAFE_INTEGER });
  for (const after of ['', '-1', '1.5', 'x', '1e3', ' 1', ['1', '2']])
    assert.deepEqual(
      eventsQuery.safeParse({ after }).error?.issues.map(({ message }) => message),
      ['after must be a whole number from 0 on'],
    );
});

test('UUIDs of any version and case are ids, nothing else is', () => {
  for (const id of [
    '0190163d-8694-739b-aea5-966c26f8ad90',
    '6FA459EA-EE8A-3CA4-894E-DB77E160355E',
    '00000000-0000-0000-0000-000000000000',
  ])
    assert.ok(isUuid(id));
  for (const id of [
    '',
    'x',
    '6fa459eaee8a3ca4894edb77e160355e',
    '{6fa459ea-ee8a-3ca4-894e-db77e160355e}',
    '6fa459ea-ee8a-3ca4-894e-db77e160355e\n',
    null,
    1,
    {},
  ])
    assert.ok(!isUuid(id));
});

test('a quiet turn is asked about once however many ticks pass, and says a thing once', async () => {
  const said: string[] = [];
  let asked = 0;
  let answer: (status: { message: string } | null) => void = () => undefined;
  const watcher = createSilenceWatcher<Quiet>({
    logger: createLogger({ level: 'silent' }),
    silenceMs: 0,
    inspect: () => {
      asked += 1;
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    send: (_turn, text) => said.push(text),
  });
  const turn: Quiet = { turnId: 't', ...watcher.begin() };
  const settled = () => new Promise(setImmediate);

  watcher.tick([turn]);
  watcher.tick([turn]);
  assert.equal(asked, 1);
  answer({ message: 'Waiting for a worker...' });
  await settled();
  watcher.tick([turn]);
  answer({ message: 'Waiting for a worker...' });
  await settled();
  assert.equal(said.length, 1, 'the same again is not repeated');
  watcher.tick([turn]);
  watcher.heard(turn);
  answer({ message: 'Too late' });
  await settled();
  assert.equal(said.length, 1, 'an answer that a real event overtook is dropped');
  watcher.tick([turn]);
  answer(null);
  await settled();
  assert.equal(said.length, 1);
  watcher.tick([turn]);
  answer({ message: 'Waiting for a worker...' });
  await settled();
  assert.equal(said.length, 2, 'after an event it is news again');
});
