/** The limits of open streams and of body bytes, over two API processes on one database. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { countBody } from '../../../db/limits/body-bytes.ts';
import { loadConfig } from '../../../runtime/config.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { queryRows } from '../../support/stored-workflows.ts';
import {
  appendEvents,
  completeEvent,
  insertSession,
  insertTurn,
  signToken,
  startEvent,
  startTestApi,
  type TestApi,
} from '../../support/test-api.ts';
import { untilValue } from '../../support/until.ts';

const KILOBYTE = 1_024;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
/** Two processes with limits of a principal, and one with limits of the service. */
let one: TestApi;
let two: TestApi;
let total: TestApi;
let paths: string[];
let ended: string;

before(async () => {
  database = await createTestDatabase();
  const allowedRoles = ['service_role', 'authenticated'];
  const limits = loadConfig({
    COPILOT_LIMIT_STREAMS: '3',
    COPILOT_LIMIT_BODY_BYTES_PER_MINUTE: String(100 * KILOBYTE),
  }).limits;
  const ofAll = loadConfig({
    COPILOT_LIMIT_STREAMS: '0',
    COPILOT_LIMIT_STREAMS_TOTAL: '4',
    COPILOT_LIMIT_BODY_BYTES_PER_MINUTE_TOTAL: String(200 * KILOBYTE),
  }).limits;
  [one, two, total] = (await Promise.all(
    [limits, limits, ofAll].map((given) =>
      startTestApi({ databaseUrl: database.url, config: { allowedRoles, limits: given } }),
    ),
  )) as [TestApi, TestApi, TestApi];
  const newTurn = async (isEnded: boolean): Promise<string> => {
    const session = await insertSession(one.db, 'ann');
    const turnId = await insertTurn(one.db, session);
    await appendEvents(one.db, turnId, [startEvent(turnId), ...(isEnded ? [completeEvent('Hi')] : [])]);
    return `/api/copilot/sessions/${session.sessionId}/turns/${turnId}/events`;
  };
  paths = await Promise.all(Array.from({ length: 4 }, () => newTurn(false)));
  ended = await newTurn(true);
});
after(async () => {
  await Promise.all([one, two, total].map((api) => api?.close()));
  await database?.drop();
});

interface Stream {
  /** Kept, because fetch closes the stream of an answer that nobody refers to. */
  response: Response;
  status: number;
  error: string;
  retryAfter: number;
  leave(): void;
}

const open: Stream[] = [];
beforeEach(async () => {
  for (const stream of open.splice(0)) stream.leave();
  await untilOpen(0);
});

async function openStream(
  api: TestApi,
  claims: object = { role: 'authenticated', sub: 'ann' },
  path = paths[open.length % paths.length]!,
): Promise<Stream> {
  const controller = new AbortController();
  const response = await fetch(api.url + path, {
    headers: { Authorization: `Bearer ${await signToken({ ...claims })}` },
    signal: controller.signal,
  });
  const stream = {
    response,
    status: response.status,
    error: response.status === 200 ? '' : ((await response.json()) as { error: string }).error,
    retryAfter: Number(response.headers.get('retry-after')),
    leave: () => controller.abort(),
  };
  if (stream.status === 200) open.push(stream);
  return stream;
}

/** Waits until the database counts so many streams. */
async function untilOpen(count: number): Promise<void> {
  await untilValue(
    `${count} streams are counted`,
    () =>
      queryRows<{ n: number }>(
        one.db,
        'select coalesce(sum(streams), 0)::int as n from ai.copilot_open_streams where expires_at > clock_timestamp()',
      ),
    ([row]) => row!.n === count,
    { limitMs: 10_000, everyMs: 10 },
  );
}

test('the streams of a principal are counted over processes, and a closed one gives its place back', async () => {
  assert.deepEqual(
    [(await openStream(one)).status, (await openStream(two)).status, (await openStream(one)).status],
    [200, 200, 200],
  );
  for (const api of [one, two]) {
    const refused = await openStream(api);
    assert.deepEqual([refused.status, refused.retryAfter], [429, 5]);
    assert.match(refused.error, /^Your limit of 3 open streams is reached\./);
  }
  assert.equal(
    (await openStream(two, { role: 'service_role', sub: 'bob' })).status,
    200,
    'another principal',
  );
  assert.equal((await openStream(two, {})).status, 200, "the platform's own backend");
  open[0]!.leave();
  await untilOpen(3);
  assert.equal((await openStream(two)).status, 200);
});

test('of many streams at once exactly as many are let in', async () => {
  const streams = await Promise.all(
    Array.from({ length: 20 }, (_, n) => openStream(n % 2 === 0 ? one : two)),
  );
  assert.equal(streams.filter(({ status }) => status === 200).length, 3);
  assert.equal(streams.filter(({ status }) => status === 429).length, 17);
});

test('a stream that ends by itself, a HEAD and a refused request hold no place', async () => {
  const claims = { role: 'authenticated', sub: 'ann' };
  const headers = { Authorization: `Bearer ${await signToken(claims)}` };
  for (let n = 0; n < 5; n += 1) {
    assert.match(await (await fetch(one.url + ended, { headers })).text(), /"complete"/);
    assert.equal((await fetch(one.url + paths[0]!, { method: 'HEAD', headers })).status, 200);
    assert.equal((await fetch(`${one.url}${paths[0]!}?after=x`, { headers })).status, 400);
    const chat = await fetch(one.url + paths[0]!.replace(/\/turns\/.*/, '/chat'), {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: '{"message":"hi"}',
    });
    assert.equal(chat.status, 500, 'the fake turn control fails');
  }
  await untilOpen(0);
});

test('the streams of a process that is gone count until its lease ends', async () => {
  await one.db.raw(
    `insert into ai.copilot_open_streams values ('ann', gen_random_uuid(), 3, clock_timestamp() + interval '1.5 seconds')`,
  );
  assert.equal((await openStream(one)).status, 429);
  await untilOpen(0);
  assert.equal((await openStream(one)).status, 200);
});

test('a process that could not count in time counts all its streams with the next renewal', async () => {
  await openStream(one);
  await openStream(one);
  await one.db.raw('delete from ai.copilot_open_streams');
  await untilOpen(2);
});

test('the limit of the service counts the streams of everyone', async () => {
  await openStream(one);
  for (const claims of [{}, { sub: 'bob' }, { role: 'authenticated', sub: 'ann' }])
    assert.equal((await openStream(total, claims)).status, 200);
  const refused = await openStream(total, {});
  assert.equal(refused.status, 429);
  assert.match(refused.error, /^The service's limit of 4 open streams is reached\./);
});

/** Saves a graph with a body of about so many bytes. */
async function send(api: TestApi, bytes: number, claims: object) {
  const response = await fetch(`${api.url}/api/copilot/sessions`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await signToken({ ...claims })}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ workflow_id: '', filler: 'x'.repeat(bytes) }),
  });
  const { error } = (await response.json()) as { error: string };
  return { status: response.status, error, retryAfter: Number(response.headers.get('retry-after')) };
}

test('the bytes of bodies are counted over processes: of many at once no more than the limit', async () => {
  const ann = { role: 'authenticated', sub: 'ann' };
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, n) => send(n % 2 === 0 ? one : two, 12 * KILOBYTE, ann)),
  );
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(answers.filter(({ status }) => status === 400).length, 8);
  assert.equal(refused.length, 16);
  for (const { error, retryAfter } of refused) {
    assert.match(error, /^Your limit of 102,400 bytes of request bodies a minute is reached\./);
    assert.ok(retryAfter >= 1 && retryAfter <= 60);
  }
  assert.equal((await send(one, 90 * KILOBYTE, { sub: 'bob' })).status, 400, 'another principal');
  assert.equal((await send(one, 110 * KILOBYTE, {})).status, 400, "the platform's own backend");
  await one.db.raw(`update ai.copilot_body_bytes set counted_at = counted_at - interval '1 minute'`);
  assert.equal((await send(two, 10 * KILOBYTE, ann)).status, 400);
});

test('the limit of the service counts the bodies of everyone', async () => {
  for (const claims of [{}, { sub: 'bob' }])
    assert.equal((await send(total, 95 * KILOBYTE, claims)).status, 400);
  const refused = await send(total, 95 * KILOBYTE, { sub: 'eve' });
  assert.equal(refused.status, 429);
  assert.match(refused.error, /^The service's limit/);
  assert.equal(
    (await send(one, 95 * KILOBYTE, { sub: 'eve' })).status,
    400,
    'what was refused was not counted',
  );
});

test('a principal has a count of its own, whatever its name', async () => {
  await one.db.raw('delete from ai.copilot_body_bytes');
  for (const principal of ['all', 'total', 'of all'])
    await countBody(one.db, { principal, bytes: 60 }, { own: 100, total: 180 });
});
