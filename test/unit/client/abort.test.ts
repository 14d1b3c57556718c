/** Requests that a signal ends, and waits that nobody asked for. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { beforeEach, mock, test } from 'node:test';
import type { CallOptions, CopilotClient } from '../../../client/src/index.ts';
import { chat, clientOf, collect, OTHER_TURN, SESSION, TURN } from '../../support/client-streams.ts';
import { fakeFetch, json } from '../../support/fake-fetch.ts';

beforeEach(() => {
  // Pauses are drawn from zero on: these take no time.
  mock.method(Math, 'random', () => 0);
});

const graph = { blocks: [], edges: [] };
const CALLS: Record<string, (client: CopilotClient, options: CallOptions) => Promise<unknown>> = {
  'workflows.list': ({ workflows }, options) => workflows.list({}, options),
  'workflows.create': ({ workflows }, options) => workflows.create('x', options),
  'workflows.get': ({ workflows }, options) => workflows.get('a', options),
  'workflows.saveGraph': ({ workflows }, options) => workflows.saveGraph('a', graph, options),
  blockTypes: (client, options) => client.blockTypes(options),
  'sessions.create': ({ sessions }, options) => sessions.create('a', options),
  'sessions.list': ({ sessions }, options) => sessions.list('a', {}, options),
  'sessions.newest': ({ sessions }, options) => sessions.newest('a', options),
  'sessions.delete': ({ sessions }, options) => sessions.delete('a', options),
  'sessions.messages': ({ sessions }, options) => sessions.messages('a', {}, options),
  'settings.get': ({ settings }, options) => settings.get(options),
  'settings.setModel': ({ settings }, options) => settings.setModel('a', options),
  usage: (client, options) => client.usage({}, options),
  snapshot: (client, options) => client.snapshot('a', 'b', { nodes: [], edges: [] }, options),
  revert: (client, options) => client.revert('a', 'b', options),
  turn: (client, options) => client.turn('a', 'b', options),
  cancel: (client, options) => client.cancel('a', 'b', options),
  confirm: (client, options) => client.confirm('a', 'b', 'c', { approved: true }, options),
};
const ABORTED = { name: 'CopilotError', code: 'aborted', status: 0, mayPass: false };
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
};

test('a signal ends every request at once, whenever it comes, and leaves nothing behind', async (t) => {
  // A wait that the signal does not end never ends.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const [name, call] of Object.entries(CALLS)) {
    const silent = fakeFetch((_request, { stream }) => stream(['{'], undefined));
    const early = AbortSignal.abort();
    await assert.rejects(call(clientOf(silent), { signal: early }), ABORTED, name);
    assert.equal(silent.requests.length, 0, name);

    const reason = new Error('left the page');
    const abort = new AbortController();
    const reading = call(clientOf(silent), { signal: abort.signal });
    await settled();
    abort.abort(reason);
    await assert.rejects(reading, { ...ABORTED, cause: reason }, name);
    assert.equal(silent.requests.length, 1, name);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0, name);
  }
});

test('a signal ends the wait for the next try, and no try follows', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const busy = fakeFetch(() => json(503, { error: 'busy' }, { 'Retry-After': '2' }));
  const abort = new AbortController();
  const waiting = clientOf(busy).blockTypes({ signal: abort.signal });
  await settled();
  abort.abort();
  await assert.rejects(waiting, ABORTED);
  await settled();
  assert.equal(busy.requests.length, 1);
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
});

test('a GET waits for ten seconds at most; a longer wait is told to the caller', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const seconds of [11, 300]) {
    const busy = fakeFetch(() => json(503, { error: 'busy' }, { 'Retry-After': String(seconds) }));
    await assert.rejects(clientOf(busy).blockTypes(), {
      code: 'unavailable',
      retryAfterMs: seconds * 1_000,
      mayPass: true,
    });
    assert.equal(busy.requests.length, 1);
  }
  const busy = fakeFetch(
    () => json(503, { error: 'busy' }, { 'Retry-After': '10' }),
    () => json(200, { block_types: [] }),
  );
  const asked = clientOf(busy).blockTypes();
  await settled();
  t.mock.timers.tick(10_000);
  assert.deepEqual(await asked, { block_types: [] });
});

test('an abort ends a stream that asks what became of the turn of its own key', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const fake = fakeFetch(
    () => json(409, { error: 'A turn is running', turn_id: OTHER_TURN }),
    (_request, { stream }) => stream(['{'], undefined),
  );
  const abort = new AbortController();
  const reading = collect(chat(fake, { joinRunning: true, idempotencyKey: 'mine', signal: abort.signal }));
  await settled();
  assert.equal(fake.requests.length, 2);
  abort.abort();
  assert.deepEqual(await reading, []);
  assert.equal(fake.requests.length, 2);
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
});

test('an answer that is no object is none of the service, and a stream asks again', async () => {
  for (const text of ['', 'null', '[]', '"text"']) {
    await assert.rejects(clientOf(fakeFetch(() => new Response(text))).turn(SESSION, TURN), {
      name: 'CopilotError',
      code: 'bad_answer',
      status: 200,
    });
    const fake = fakeFetch(
      () => json(409, { error: 'A turn is running', turn_id: OTHER_TURN }),
      () => new Response(text),
      () => json(409, { error: 'A turn is running', turn_id: OTHER_TURN }),
      () => json(200, { id: OTHER_TURN, status: 'complete' }),
    );
    await assert.rejects(collect(chat(fake, { joinRunning: true, idempotencyKey: 'mine' })), {
      code: 'turn_running',
    });
    assert.equal(fake.requests.length, 4);
  }
  const gone = fakeFetch(() => new Response(null, { status: 204 }));
  await assert.rejects(clientOf(gone).turn(SESSION, TURN), { code: 'bad_answer', status: 204 });
});
