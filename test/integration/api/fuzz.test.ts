/**
 * Generated requests against every route of the real application: no status 500, every error body JSON with a message,
 * an X-Request-Id on every response, and nothing written that a later read can't read.
 *
 * FUZZ_RUNS sets the number of requests per route (default 100, in the soak 500). A failure names its FUZZ_SEED, which
 * repeats the run. One file, because it is one table of the routes.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../../../domain/text/json-value.ts';
import { toStorable } from '../../../domain/text/json.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { canvas, graph, storedDiff } from '../../support/fuzz-graphs.ts';
import { type FuzzRequest, requestsOf } from '../../support/fuzz-requests.ts';
import { hostileText } from '../../support/fuzz-values.ts';
import { repeats } from '../../support/repeats.ts';
import { connectStoredTurns } from '../../support/stored-turns.ts';
import {
  appendEvents,
  insertSession,
  insertTurn,
  startTestApi,
  type TestApi,
} from '../../support/test-api.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? repeats({ test: 100, soak: 500 }));
const SEED = process.env.FUZZ_SEED === undefined ? {} : { seed: Number(process.env.FUZZ_SEED) };
const READ_EVERY = 100;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
const agent = new Agent({ keepAlive: true });
const pool = { sessions: [''], doomed: [''], workflows: [''], turns: [''], messages: [''], applied: '' };
const CALLS = ['call_1', 'call_2'];

before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    connectTurns: connectStoredTurns,
    plantedFaults: [/^GET \S+\/messages 200: data\/messages\/\d+\/workflow_diff/],
  });
  const made = await Promise.all([insertSession(api.db), insertSession(api.db)]);
  pool.sessions = made.map(({ sessionId }) => sessionId);
  pool.workflows = made.map(({ workflowId }) => workflowId);
  pool.doomed = await Promise.all(
    Array.from({ length: 60 }, async () => (await insertSession(api.db)).sessionId),
  );
  pool.turns = await Promise.all(Array.from({ length: 8 }, () => insertAskingTurn(made[0])));
  await api.db.raw("update ai.copilot_turns set status = 'cancelled' where id = ?", [pool.turns[0]!]);
  const diffs: unknown[] = fc.sample(storedDiff, { numRuns: 40, ...SEED });
  pool.messages = await Promise.all(diffs.map((diff) => insertMessage(made[0].sessionId, diff)));
  pool.applied = await insertAppliedMessage(made[1].sessionId);
});
after(async () => {
  agent.destroy();
  await api?.close();
  await database?.drop();
});

/** A running turn with two open questions. Its workflow is not there, as after the loss of Temporal's data. */
async function insertAskingTurn(session: { sessionId: string; workflowId: string }): Promise<string> {
  const turnId = await insertTurn(api.db, session);
  await appendEvents(api.db, turnId, [{ event: 'status', payload: { message: 'Thinking...' } }]);
  await api.db.raw(
    `insert into ai.copilot_confirmations
       (turn_id, call_id, arguments, arguments_hash, change, summary, asset_id, fingerprint, expires_at)
     select ?::uuid, c, '{}', '', '{}', '', gen_random_uuid(), '', now() + interval '1 hour' from unnest(?::text[]) c`,
    [turnId, CALLS],
  );
  return turnId;
}

async function insertMessage(sessionId: string, diff: unknown): Promise<string> {
  const id = randomUUID();
  await api.db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff, created_at)
     values (?, ?, 'assistant', 'done', ?::jsonb, now())`,
    [id, sessionId, JSON.stringify(toStorable(JSON.parse(JSON.stringify(diff)) as Json))],
  );
  return id;
}

/** A message whose change is applied and can be undone: nothing else writes that session's workflow before its revert. */
async function insertAppliedMessage(sessionId: string): Promise<string> {
  const id = await insertMessage(sessionId, {
    add_blocks: [{ id: randomUUID(), type: 'starter', name: 'Start', position: { x: 0, y: 0 }, config: {} }],
  });
  const path = `/api/copilot/sessions/${sessionId}/messages/${id}/snapshot`;
  const body = Buffer.from('{"pre_snapshot":{"nodes":[],"edges":[]}}');
  const { status, text } = await send('POST', path, { 'content-type': 'application/json' }, body);
  assert.equal(status, 200, text);
  return id;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

function send(
  method: string,
  path: string,
  headers: Record<string, string>,
  body: Buffer | null,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        host: '127.0.0.1',
        port: api.port,
        method,
        path,
        headers: {
          ...(headers.authorization === undefined ? { authorization: api.headers.Authorization } : {}),
          ...headers,
          ...(body === null ? {} : { 'content-length': body.length }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          // The stream of a turn that runs has no end.
          if (path.includes('/events')) response.destroy();
        });
        response.on('close', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body ?? undefined);
  });
}

/** What must hold of every answer, whatever was asked. */
function checkAnswer(method: string, { status, headers, text }: Answer, asked: string): void {
  const told = `${asked} -> ${status} ${text.slice(0, 300)}`;
  assert.ok(status >= 200 && status < 500, told);
  assert.ok(headers['x-request-id'], told);
  const type = headers['content-type'] ?? '';
  if (status < 400) {
    if (type.startsWith('application/json') && method !== 'HEAD')
      assert.doesNotThrow(() => JSON.parse(text), told);
    return;
  }
  assert.match(type, /^application\/json/, told);
  if (method === 'HEAD') return;
  const { error } = JSON.parse(text) as { error?: unknown };
  assert.ok(typeof error === 'string' && error !== '', told);
  assert.ok(!/select |insert |\bat .*\.ts:|node_modules/i.test(error), told);
}

async function fuzz(
  method: string,
  pattern: string,
  { ids, query, headers, body }: FuzzRequest,
): Promise<Answer> {
  const path = pattern.replace(/:(\w+)/g, (_all, name: string) => ids[name] ?? 'x') + query;
  const answer = await send(method, path, headers, body);
  checkAnswer(
    method,
    answer,
    `${method} ${path} ${JSON.stringify(headers)} ${body?.toString().slice(0, 2_000) ?? ''}`,
  );
  assert.deepEqual(Object.keys(Object.prototype), [], 'no prototype was changed');
  return answer;
}

/** Every read of everything that was written is a 200 with JSON. */
async function readAll(): Promise<void> {
  const read = async (path: string): Promise<unknown> => {
    const answer = await send('GET', path, {}, null);
    assert.equal(answer.status, 200, `${path} ${answer.text.slice(0, 300)}`);
    return path.endsWith('/events') ? null : JSON.parse(answer.text);
  };
  const { workflows } = (await read('/api/workflows?limit=200')) as { workflows: { id: string }[] };
  for (const id of [...pool.workflows, ...workflows.slice(0, 3).map((workflow) => workflow.id)]) {
    await read(`/api/workflows/${id}`);
    await read(`/api/copilot/sessions?workflow_id=${id}`);
  }
  for (const id of pool.sessions) {
    const { messages } = (await read(`/api/copilot/sessions/${id}/messages`)) as {
      messages: { id: string; turn_id: string | null }[];
    };
    const [newest] = messages.slice(-1);
    if (!newest) continue;
    await read(`/api/copilot/sessions/${id}/messages?message=${newest.id}`);
    if (newest.turn_id === null) continue;
    await read(`/api/copilot/sessions/${id}/turns/${newest.turn_id}`);
    await read(`/api/copilot/sessions/${id}/turns/${newest.turn_id}/events`);
  }
  await read('/api/copilot/settings/model');
  await read('/api/copilot/usage');
  await read('/api/copilot/audit');
}

const whole = (max: number) => fc.integer({ min: 0, max }).map(String);
const day = fc.date({ noInvalidDate: true }).map((date) => encodeURIComponent(date.toISOString()));

type Route = Parameters<typeof requestsOf>[0];
/** The table of the routes: what their ids name, and their parameters and fields as the contract has them. */
const ROUTES: Record<string, () => Route> = {
  'GET /healthz': () => ({ ids: {} }),
  'GET /metrics': () => ({ ids: {} }),
  // Before the streams are read: a turn whose workflow is gone is over once somebody watches it.
  'POST /api/copilot/sessions/:id/turns/:turn_id/confirmations/:call_id': () => ({
    ids: { id: pool.sessions.slice(0, 1), turn_id: pool.turns, call_id: CALLS },
    body: { approved: fc.boolean(), reason: hostileText },
  }),
  'POST /api/copilot/sessions': () => ({
    ids: {},
    body: { workflow_id: fc.constantFrom(...pool.workflows) },
  }),
  'GET /api/copilot/sessions': () => ({
    ids: {},
    query: { workflow_id: fc.constantFrom(...pool.workflows) },
  }),
  'DELETE /api/copilot/sessions/:id': () => ({ ids: { id: pool.doomed } }),
  'GET /api/copilot/sessions/:id/messages': () => ({
    ids: { id: pool.sessions },
    query: {
      limit: whole(300),
      before: fc.constantFrom(...pool.messages),
      message: fc.constantFrom(...pool.messages),
    },
  }),
  'POST /api/copilot/sessions/:id/messages/:mid/snapshot': () => ({
    ids: { id: pool.sessions.slice(0, 1), mid: pool.messages },
    body: { pre_snapshot: canvas },
  }),
  'POST /api/copilot/sessions/:id/messages/:mid/revert': () => ({
    ids: { id: pool.sessions, mid: [...pool.messages, ...pool.messages.map(() => pool.applied)] },
    body: {},
  }),
  'POST /api/copilot/sessions/:id/chat': () => ({
    ids: { id: pool.sessions },
    body: {
      message: fc.string({ unit: 'binary', minLength: 1 }),
      workflow_state: fc.oneof(canvas, fc.constant(null)),
    },
  }),
  'GET /api/copilot/sessions/:id/turns/:turn_id': () => ({
    ids: { id: pool.sessions.slice(0, 1), turn_id: pool.turns },
  }),
  'GET /api/copilot/sessions/:id/turns/:turn_id/events': () => ({
    ids: { id: pool.sessions.slice(0, 1), turn_id: pool.turns },
    query: { after: fc.constant('0') },
  }),
  'POST /api/copilot/sessions/:id/turns/:turn_id/cancel': () => ({
    ids: { id: pool.sessions.slice(0, 1), turn_id: pool.turns },
    body: {},
  }),
  'GET /api/copilot/settings/model': () => ({ ids: {} }),
  'PUT /api/copilot/settings/model': () => ({
    ids: {},
    body: { model: fc.constantFrom('demo', 'gpt-4o', 'gpt-5.2') },
  }),
  'GET /api/copilot/usage': () => ({ ids: {}, query: { from: day, to: day } }),
  'GET /api/copilot/audit': () => ({
    ids: {},
    query: { limit: whole(300), before: fc.constantFrom(...pool.messages) },
  }),
  'GET /api/workflows': () => ({ ids: {}, query: { limit: whole(300), offset: whole(2 ** 31) } }),
  'GET /api/workflows/:id/sessions': () => ({
    ids: { id: pool.workflows },
    query: { limit: whole(300), before: fc.constantFrom(...pool.sessions) },
  }),
  'POST /api/workflows': () => ({
    ids: {},
    body: { name: fc.string({ unit: 'binary', minLength: 1, maxLength: 255 }) },
  }),
  'GET /api/workflows/:id': () => ({ ids: { id: pool.workflows } }),
  'PUT /api/workflows/:id/graph': () => ({ ids: { id: pool.workflows }, body: {} }),
  'GET /api/block-types': () => ({ ids: {} }),
};
/** Always 503 here: the test's stack says that it is not ready. */
const isFuzzed = (route: string) => !/^GET \/(?:readyz|docs.*|api\/openapi\.json)$/.test(route);

test('the table has every route', () => {
  assert.deepEqual(Object.keys(ROUTES).sort(), api.routes.filter(isFuzzed).sort());
});

/** Blocks and edges of PUT graph belong together, so they are drawn together. */
function arbitraryOf(route: string): fc.Arbitrary<FuzzRequest> {
  const table = ROUTES[route]!();
  if (route !== 'PUT /api/workflows/:id/graph') return requestsOf(table);
  const version = fc.oneof(fc.constant(null), fc.nat({ max: 5 }));
  return graph.chain(({ blocks, edges }) =>
    requestsOf({ ...table, body: { blocks: fc.constant(blocks), edges: fc.constant(edges), version } }),
  );
}

for (const route of Object.keys(ROUTES)) {
  test(`${RUNS} requests to ${route}`, async () => {
    const [method, pattern] = route.split(' ') as [string, string];
    const seen = new Map<number, number>();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryOf(route), async (generated) => {
        const { status } = await fuzz(method, pattern, generated);
        seen.set(status, (seen.get(status) ?? 0) + 1);
        if (method !== 'GET' && ++runs % READ_EVERY === 0) await readAll();
      }),
      { numRuns: RUNS, ...SEED },
    );
    await readAll();
    // Requests that are all refused would prove nothing.
    assert.ok(
      [...seen.keys()].some((status) => status < 300),
      `${route} ${JSON.stringify([...seen])}`,
    );
  });
}

test(`${RUNS} requests by any method to any path`, async () => {
  const paths = fc.oneof(
    fc.constantFrom(...api.routes.map((route) => route.split(' ')[1]!)),
    hostileText.map((text) => `/${encodeURIComponent(text.toWellFormed())}`),
    fc.constantFrom(
      '/',
      '//',
      '/api',
      '/api/',
      '/API/workflows',
      '/api/workflows/',
      '/api/%ff',
      '/api/../healthz',
      '/api/copilot/sessions//chat',
    ),
  );
  const methods = fc.constantFrom(
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'QUERY',
    'M-SEARCH',
  );
  const any = requestsOf({
    ids: {
      id: [...pool.sessions, ...pool.workflows],
      mid: pool.messages,
      turn_id: pool.turns,
      call_id: CALLS,
    },
    body: { message: hostileText },
  });
  await fc.assert(
    fc.asyncProperty(methods, paths, any, async (method, pattern, generated) => {
      fc.pre(pattern !== '/readyz');
      await fuzz(method, pattern, generated);
    }),
    { numRuns: RUNS, ...SEED },
  );
});
