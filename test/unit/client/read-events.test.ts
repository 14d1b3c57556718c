/** What one answer may hold: its type, its blocks, and blocks that are none. */
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { createCopilotClient } from '../../../client/src/index.ts';
import {
  chat,
  collect,
  complete,
  delta,
  seqs,
  SESSION,
  START,
  TURN,
  X_TURN,
} from '../../support/client-streams.ts';
import { block, fakeFetch } from '../../support/fake-fetch.ts';

beforeEach(() => {
  // Pauses are drawn from zero on: these take no time.
  mock.method(Math, 'random', () => 0);
});

test('the events before a bad block of the same chunk are given', async () => {
  for (const bad of ['data: {"event":\n\n', 'data: 5\n\n', 'data: {"event":"status","seq":"x"}\n\n']) {
    const fake = fakeFetch(
      (_request, { stream }) =>
        stream([block(START) + block(delta(2)) + bad + block(delta(3))], undefined, X_TURN),
      (_request, { stream }) => stream([block(delta(3)) + block(complete(4)) + bad], undefined, X_TURN),
    );
    assert.deepEqual(seqs(await collect(chat(fake))), [1, 2, 3, 4]);
    assert.deepEqual(
      fake.requests.map(({ headers }) => headers.get('last-event-id')),
      [null, '2'],
    );
    assert.equal(fake.open(), 0);
  }
});

test('an event without an end is given up', async () => {
  const piece = new TextEncoder().encode('x'.repeat(1024 * 1024));
  for (const first of [`data: {"event":"`, `data: {"event":"`.repeat(2), ': ', 'id: ']) {
    const fake = fakeFetch(
      (_request, { stream }) =>
        stream([block(START), first, ...Array.from({ length: 129 }, () => piece)], undefined, X_TURN),
      (_request, { stream }) => stream([block(complete(2))], 'close', X_TURN),
    );
    const problems: string[] = [];
    const client = createCopilotClient({
      baseUrl: 'http://service',
      getToken: () => 'token',
      fetch: fake.fetch,
      onRetry: ({ error }) => void problems.push(`${error.code}: ${error.message}`),
    });
    assert.deepEqual(seqs(await collect(client.chat(SESSION, { message: 'hi' }))), [1, 2]);
    assert.deepEqual(problems, ['bad_answer: The stream holds an event without an end']);
    assert.equal(fake.open(), 0);
  }
});

test('a start that names no turn leaves the turn to the header', async () => {
  const fake = fakeFetch(
    (_request, { stream }) => stream([block({ event: 'start', seq: 1 })], 'close', X_TURN),
    (_request, { stream }) => stream([block(complete(2))], 'close'),
  );
  const turns: unknown[] = [];
  await collect(chat(fake, { onTurn: ({ turnId }) => void turns.push(turnId) }));
  assert.deepEqual(turns, [TURN]);
  const nameless = fakeFetch(
    (_request, { stream }) => stream([block({ event: 'start', seq: 1 })], 'close'),
    (_request, { stream }) => stream([block(START), block(complete(2))], 'close', X_TURN),
  );
  assert.deepEqual(
    seqs(await collect(chat(nameless, { onTurn: ({ turnId }) => void turns.push(turnId) }))),
    [1, 2],
  );
  assert.deepEqual(turns, [TURN, TURN]);
  assert.deepEqual(
    nameless.requests.map(({ method }) => method),
    ['POST', 'POST'],
  );
});
test('the type of a stream is read as HTTP has it', async () => {
  const typed = (type: string) =>
    fakeFetch((_request, { stream }) =>
      stream([block(START), block(complete(2))], 'close', { ...X_TURN, 'Content-Type': type }),
    );
  for (const type of ['Text/Event-Stream', 'text/event-stream ; charset=UTF-8', 'TEXT/EVENT-STREAM;x=y'])
    assert.deepEqual(seqs(await collect(chat(typed(type)))), [1, 2], type);
  for (const type of ['text/event-streams', 'text/html', ''])
    await assert.rejects(collect(chat(typed(type))), { code: 'bad_answer', status: 200 }, type);
});
