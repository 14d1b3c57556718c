/** How a message becomes a stream: its key, its token, its errors, and the turn that runs already. */
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { CopilotError } from '../../../client/src/index.ts';
import {
  chat,
  clientOf,
  collect,
  complete,
  OTHER_TURN,
  seqs,
  SESSION,
  START,
  TURN,
  X_TURN,
} from '../../support/client-streams.ts';
import { block, fakeFetch, json } from '../../support/fake-fetch.ts';

beforeEach(() => {
  // Pauses are drawn from zero on: these take no time.
  mock.method(Math, 'random', () => 0);
});

test('a chat is sent with the same random key until an answer names its turn', async () => {
  const failing = (): Response => {
    throw new TypeError('fetch failed');
  };
  const fake = fakeFetch(
    failing,
    () => json(503, { error: 'away' }, { 'Retry-After': '0' }),
    () => new Response('<html>', { status: 502 }),
    (_request, { stream }) => stream([], 'close', X_TURN),
    (_request, { stream }) => stream([block(START), block(complete(2))], 'close', X_TURN),
  );
  assert.deepEqual(seqs(await collect(chat(fake))), [1, 2]);
  const keys = fake.requests.map(({ headers }) => headers.get('idempotency-key'));
  assert.match(keys[0]!, /^[0-9a-f]{32}$/);
  assert.deepEqual(keys, [keys[0], keys[0], keys[0], keys[0], null]);
  assert.deepEqual(fake.requests[0]!.body, { message: 'hi' });
  const other = fakeFetch((_request, { stream }) =>
    stream([block(START), block(complete(2))], 'close', X_TURN),
  );
  await collect(chat(other));
  assert.notEqual(other.requests[0]!.headers.get('idempotency-key'), keys[0]);
});

test('a token that the service refuses is asked for again, once per attempt', async () => {
  const asked: (boolean | undefined)[] = [];
  const getToken = (refused?: boolean) => {
    asked.push(refused);
    return `token-${asked.length}`;
  };
  const fake = fakeFetch(
    (_request, { stream }) => stream([block(START)], 'close', X_TURN),
    () => json(401, { error: 'The token has expired' }),
    (_request, { stream }) => stream([block(complete(2))], 'close', X_TURN),
  );
  await collect(clientOf(fake, getToken).chat(SESSION, { message: 'hi' }));
  assert.deepEqual(asked, [false, false, true]);
  assert.equal(fake.requests[2]!.headers.get('authorization'), 'Bearer token-3');

  const refusing = fakeFetch(() => json(401, { error: 'The token is not valid' }));
  await assert.rejects(collect(clientOf(refusing, getToken).chat(SESSION, { message: 'hi' })), {
    name: 'CopilotError',
    code: 'unauthorized',
    status: 401,
    message: 'The token is not valid',
  });
  assert.equal(refusing.requests.length, 2);
});

test('an error that does not pass ends the iteration with it', async () => {
  for (const [status, body, code] of [
    [400, { error: 'message is required' }, 'bad_request'],
    [403, { error: 'no' }, 'forbidden'],
    [404, { error: 'none' }, 'not_found'],
    [409, { error: 'another message' }, 'conflict'],
    [409, { error: 'A turn is running in this session', turn_id: OTHER_TURN }, 'turn_running'],
    [413, { error: 'large' }, 'too_large'],
    [503, { error: 'No key is configured for the model' }, 'unavailable'],
  ] as const) {
    const fake = fakeFetch(() => json(status, body));
    await assert.rejects(collect(chat(fake)), (error: unknown) => {
      assert.ok(error instanceof CopilotError);
      assert.deepEqual([error.status, error.code, error.message], [status, code, body.error]);
      assert.deepEqual(error.body, body);
      return true;
    });
    assert.equal(fake.requests.length, 1, code);
  }
});

test('a page that is no stream ends the iteration, and its body is released', async () => {
  const fake = fakeFetch((_request, { stream }) =>
    stream(['<html>'], undefined, { 'Content-Type': 'text/html' }),
  );
  await assert.rejects(collect(chat(fake)), { code: 'bad_answer', status: 200 });
  assert.equal(fake.open(), 0);
});

test('joinRunning reads the turn that runs, and says so', async () => {
  const running = () => json(409, { error: 'A turn is running in this session', turn_id: OTHER_TURN });
  const fake = fakeFetch(running, (_request, { stream }) =>
    stream([block({ ...START, turn_id: OTHER_TURN }), block(complete(2))], 'close', {
      'X-Turn-Id': OTHER_TURN,
    }),
  );
  const turns: unknown[] = [];
  const events = await collect(chat(fake, { joinRunning: true, onTurn: (turn) => void turns.push(turn) }));
  assert.deepEqual(seqs(events), [1, 2]);
  assert.deepEqual(turns, [{ turnId: OTHER_TURN, joined: true }]);
  assert.equal(
    fake.requests[1]!.url,
    `http://service/api/copilot/sessions/${SESSION}/turns/${OTHER_TURN}/events`,
  );
});

test('joinRunning sends the message again where the turn that ran is not to be found', async () => {
  const fake = fakeFetch(
    () => json(409, { error: 'A turn is running in this session', turn_id: OTHER_TURN }),
    () => json(404, { error: 'No turn exists with the given ID' }),
    (_request, { stream }) => stream([block(START), block(complete(2))], 'close', X_TURN),
  );
  const turns: unknown[] = [];
  await collect(chat(fake, { joinRunning: true, onTurn: (turn) => void turns.push(turn) }));
  assert.deepEqual(turns, [
    { turnId: OTHER_TURN, joined: true },
    { turnId: TURN, joined: false },
  ]);
  const [first, , third] = fake.requests;
  assert.equal(first!.headers.get('idempotency-key'), third!.headers.get('idempotency-key'));
});

test("joinRunning does not read an old turn because the caller's key belongs to it", async () => {
  const fake = fakeFetch(
    () => json(409, { error: 'This Idempotency-Key was used with another message', turn_id: OTHER_TURN }),
    () => json(200, { id: OTHER_TURN, status: 'complete' }),
  );
  await assert.rejects(collect(chat(fake, { joinRunning: true, idempotencyKey: 'mine' })), { status: 409 });
  assert.equal(fake.requests.length, 2);
  const running = fakeFetch(
    () => json(409, { error: 'A turn is running', turn_id: OTHER_TURN }),
    () => json(200, { id: OTHER_TURN, status: 'running' }),
    (_request, { stream }) => stream([block({ ...START, turn_id: OTHER_TURN }), block(complete(2))], 'close'),
  );
  await collect(chat(running, { joinRunning: true, idempotencyKey: 'mine' }));
  assert.equal(running.requests[0]!.headers.get('idempotency-key'), 'mine');
});

test('what getToken throws ends the stream, unless it says that it may pass', async () => {
  const fake = fakeFetch((_request, { stream }) =>
    stream([block(START), block(complete(2))], 'close', X_TURN),
  );
  const signedOut = new Error('signed out');
  await assert.rejects(
    collect(clientOf(fake, () => Promise.reject(signedOut)).chat(SESSION, { message: 'hi' })),
    signedOut,
  );
  let tries = 0;
  const later = () => {
    if (tries++ === 0) throw new CopilotError('network', 'The token service can not be reached');
    return 'token';
  };
  assert.deepEqual(seqs(await collect(clientOf(fake, later).chat(SESSION, { message: 'hi' }))), [1, 2]);
});
