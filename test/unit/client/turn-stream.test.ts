/** Streams that resume by themselves, against a scripted fetch. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { beforeEach, mock, test } from 'node:test';
import { createCopilotClient } from '../../../client/src/index.ts';
import {
  chat,
  clientOf,
  collect,
  complete,
  delta,
  seqs,
  SESSION,
  START,
  TURN,
  X_TURN,
} from '../../support/client-streams.ts';
import { block, fakeFetch, type FakeFetch, json } from '../../support/fake-fetch.ts';

beforeEach(() => {
  // Pauses are drawn from zero on: these take no time.
  mock.method(Math, 'random', () => 0);
});

const RETRY = 'retry: 1000\n\n';

test('a stream that is cut goes on by the turn id from the last seq, and gives each event once', async () => {
  const fake = fakeFetch(
    (_request, { stream }) => stream([RETRY, block(START), block(delta(2))], 'error', X_TURN),
    (_request, { stream }) => stream([block(delta(2)), block(delta(3))], 'close', X_TURN),
    (_request, { stream }) => stream([block(delta(4)), block(complete(5))], undefined, X_TURN),
  );
  const states: string[] = [];
  const events = await collect(chat(fake, { onConnection: (state) => void states.push(state) }));
  assert.deepEqual(seqs(events), [1, 2, 3, 4, 5]);
  assert.deepEqual(
    fake.requests.map(({ method, url, headers }) => [method, url, headers.get('last-event-id')]),
    [
      ['POST', `http://service/api/copilot/sessions/${SESSION}/chat`, null],
      ['GET', `http://service/api/copilot/sessions/${SESSION}/turns/${TURN}/events?after=2`, '2'],
      ['GET', `http://service/api/copilot/sessions/${SESSION}/turns/${TURN}/events?after=3`, '3'],
    ],
  );
  assert.deepEqual(states, ['connected', 'reconnecting', 'connected', 'reconnecting', 'connected']);
  assert.equal(fake.open(), 0, 'the last body is released although the service left it open');
});

test('status events without a seq pass through, unknown events do not, and their seq counts', async () => {
  const fake = fakeFetch(
    (_request, { stream }) =>
      stream(
        [block(START), block({ event: 'status', message: 'waiting' }), block({ event: 'novelty', seq: 2 })],
        'close',
        X_TURN,
      ),
    (_request, { stream }) => stream([block(complete(3))], 'close'),
  );
  const events = await collect(chat(fake));
  assert.deepEqual(
    events.map(({ event, seq }) => [event, seq]),
    [
      ['start', 1],
      ['status', undefined],
      ['complete', 3],
    ],
  );
  assert.equal(fake.requests[1]!.headers.get('last-event-id'), '2');
});

test('bytes may be cut anywhere, in the middle of a character too', async () => {
  const text =
    block(START) + block({ event: 'content_delta', seq: 2, step: 1, delta: 'é😀' }) + block(complete(3));
  const bytes = new TextEncoder().encode(text);
  const pieces = Array.from(bytes, (_, at) => bytes.slice(at, at + 1));
  const fake = fakeFetch((_request, { stream }) => stream(pieces, 'close', X_TURN));
  const events = await collect(chat(fake));
  assert.deepEqual(seqs(events), [1, 2, 3]);
  assert.equal((events[1] as { delta: string }).delta, 'é😀');
});

test('a service that fails inside, or leaves events out, is asked five times', async () => {
  const failing = fakeFetch(() => json(500, { error: 'Internal error' }));
  await assert.rejects(collect(chat(failing)), { code: 'server_error', status: 500 });
  assert.equal(failing.requests.length, 5);

  const leaky = fakeFetch((_request, { stream }) => stream([block(delta(2))], undefined, X_TURN));
  await assert.rejects(collect(chat(leaky)), {
    code: 'bad_answer',
    message: 'The stream leaves out the event 1',
  });
  assert.equal(leaky.requests.length, 5);
  assert.equal(leaky.open(), 0);

  const broken = fakeFetch((_request, { stream }) => stream(['data: {"event":\n\n'], undefined, X_TURN));
  await assert.rejects(collect(chat(broken)), { code: 'bad_answer' });
  assert.equal(broken.open(), 0);
});

test('a cursor at or behind the last event of a turn that has ended gives nothing, and ends', async () => {
  const after = (request: { url: string }) => Number(new URL(request.url).searchParams.get('after') ?? 0);
  const whole = [START, delta(2), complete(3)];
  for (const cursor of [3, 99]) {
    const fake = fakeFetch((request, { stream }) =>
      stream(whole.filter(({ seq }) => seq > after(request)).map(block), 'close'),
    );
    assert.deepEqual(await collect(clientOf(fake).events(SESSION, TURN, { after: cursor })), []);
    assert.ok(fake.requests.length <= 3);
  }
});

test('a reader of an old turn whose stream is shortened meanwhile still gets its end', async () => {
  const after = (request: { url: string }) => Number(new URL(request.url).searchParams.get('after') ?? 0);
  const whole = [START, delta(2), delta(3), delta(4), delta(5)];
  for (const read of [3, 5]) {
    let isShort = false;
    const fake = fakeFetch((request, { stream }) => {
      const events = isShort ? [START, delta(2), complete(3)] : whole.slice(0, read);
      isShort = true;
      return stream(events.filter(({ seq }) => seq > after(request)).map(block), 'close');
    });
    const events = await collect(clientOf(fake).events(SESSION, TURN));
    assert.deepEqual(
      seqs(events),
      Array.from({ length: read + 1 }, (_, index) => index + 1),
    );
    assert.equal(events.at(-1)?.event, 'complete');
  }
});

test('a stream that closes without a new event is no end while the turn runs', async () => {
  const fake = fakeFetch(
    (_request, { stream }) => stream([], 'close'),
    (_request, { stream }) => stream([block(delta(2))], 'close'),
    (_request, { stream }) => stream([block(complete(3))], 'close'),
  );
  assert.deepEqual(seqs(await collect(clientOf(fake).events(SESSION, TURN, { after: 2 }))), [3]);
  assert.deepEqual(
    fake.requests.map(({ headers }) => headers.get('last-event-id')),
    ['2', '1', '2'],
  );
});

test('silence for longer than three pings is a cut', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const pull = Promise.withResolvers<void>();
  const fake = fakeFetch(
    (_request, { stream }) => {
      pull.resolve();
      return stream([block(START), ': ping\n\n'], undefined, X_TURN);
    },
    (_request, { stream }) => stream([block(complete(2))], 'close', X_TURN),
  );
  const reconnected = Promise.withResolvers<void>();
  const events = chat(fake, {
    onConnection: (state) => {
      if (state === 'reconnecting') reconnected.resolve();
    },
  });
  assert.equal((await events.next()).value?.event, 'start');
  const next = events.next();
  await pull.promise;
  await new Promise(setImmediate);
  t.mock.timers.tick(44_999);
  await new Promise(setImmediate);
  assert.equal(fake.requests.length, 1);
  t.mock.timers.tick(2);
  await reconnected.promise;
  assert.equal(fake.open(), 0, 'the silent body is released');
  await new Promise(setImmediate);
  t.mock.timers.tick(1);
  assert.equal((await next).value?.event, 'complete');
});

test('an answer that does not begin is given up, and the chat is sent again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let tries = 0;
  const fake = fakeFetch((_request, { stream }) =>
    stream([block(START), block(complete(2))], 'close', X_TURN),
  );
  const client = createCopilotClient({
    baseUrl: 'http://service',
    getToken: () => 'token',
    // The first one knows no signals and never answers.
    fetch: (url, init) => (tries++ === 0 ? new Promise<never>(() => undefined) : fake.fetch(url, init)),
  });
  const all = collect(client.chat(SESSION, { message: 'hi' }));
  await new Promise(setImmediate);
  t.mock.timers.tick(46_000);
  await new Promise(setImmediate);
  t.mock.timers.tick(1);
  assert.deepEqual(seqs(await all), [1, 2]);
});

test('an abort ends the iteration quietly at any point, and leaves nothing behind', async (t) => {
  const endless = (_request: unknown, { stream }: FakeFetch) => stream([block(START)], undefined, X_TURN);
  const failing = () => {
    throw new TypeError('fetch failed');
  };
  for (const [name, answer, steps] of [
    ['before it begins', endless, 0],
    ['while it reads', endless, 1],
    ['while it pauses', failing, 0],
  ] as const) {
    await t.test(name, async (t) => {
      // A pause that the abort does not end never ends.
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const fake = fakeFetch(answer);
      const abort = new AbortController();
      const events = chat(fake, { signal: abort.signal });
      if (name === 'before it begins') abort.abort();
      for (let step = 0; step < steps; step += 1) assert.equal((await events.next()).done, false);
      const next = events.next();
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      abort.abort();
      assert.deepEqual(await next, { done: true, value: undefined });
      assert.equal(fake.open(), 0);
      assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
      if (name === 'before it begins') assert.equal(fake.requests.length, 0);
    });
  }
});

test('break, and return while the next event is waited for, release the connection', async () => {
  const endless = (_request: unknown, { stream }: FakeFetch) =>
    stream([block(START) + block(delta(2))], undefined, X_TURN);
  const left = fakeFetch(endless);
  const abort = new AbortController();
  for await (const event of chat(left, { signal: abort.signal })) {
    assert.equal(event.event, 'start');
    break;
  }
  assert.equal(left.open(), 0);
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);

  const waiting = fakeFetch(endless);
  const events = chat(waiting);
  await events.next();
  await events.next();
  const next = events.next();
  assert.deepEqual(await events.return!(), { done: true, value: undefined });
  assert.deepEqual(await next, { done: true, value: undefined });
  assert.equal(waiting.open(), 0);
});

test('the pauses grow from what the service said, are drawn anew, and hold what Retry-After asks for', async () => {
  mock.method(Math, 'random', () => 0.5);
  const delays: number[] = [];
  const fake = fakeFetch(
    (_request, { stream }) => stream(['retry: 8\n\n', block(START)], 'close', X_TURN),
    () => {
      throw new TypeError('fetch failed');
    },
    () => json(503, { error: 'away' }, { 'Retry-After': '1' }),
    (_request, { stream }) => stream([block(delta(2))], 'close', X_TURN),
    (_request, { stream }) => stream([block(complete(3))], 'close', X_TURN),
  );
  const client = createCopilotClient({
    baseUrl: 'http://service',
    getToken: () => 'token',
    fetch: fake.fetch,
    onRetry: ({ delayMs }) => void delays.push(delayMs),
  });
  await collect(client.chat(SESSION, { message: 'hi' }));
  assert.deepEqual(delays, [4, 8, 1_004, 4]);
});
