/** docs/access.md, walked: every route, by every role, with own, foreign, unknown, deleted and malformed ids. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../../support/api-database.ts';
import { connectStoredTurns } from '../../support/stored-turns.ts';
import {
  appendEvents,
  insertSession,
  insertTurn,
  signToken,
  startTestApi,
  type TestApi,
} from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
const tokens: Record<string, string> = {};
before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    config: { allowedRoles: ['service_role', 'authenticated'] },
    connectTurns: connectStoredTurns,
  });
  const expired = Math.floor(Date.now() / 1_000) - 3_600;
  for (const [name, claims] of Object.entries({
    service: {},
    ann: { role: 'authenticated', sub: 'ann' },
    bob: { role: 'authenticated', sub: 'bob' },
    anon: { role: 'anon', sub: 'ann' },
    expired: { role: 'authenticated', sub: 'ann', exp: expired },
  }))
    tokens[name] = await signToken(claims);
});
after(async () => {
  await api?.close();
  await database?.drop();
});

const CANVAS = { nodes: [], edges: [] };
/** A valid body for each route that takes one. */
const BODIES: Record<string, (row: Own) => unknown> = {
  'POST /api/copilot/sessions': ({ workflowId }) => ({ workflow_id: workflowId }),
  'POST /api/copilot/sessions/:id/messages/:mid/snapshot': () => ({ pre_snapshot: CANVAS }),
  'POST /api/copilot/sessions/:id/chat': () => ({ message: 'hi', workflow_state: CANVAS }),
  'POST /api/copilot/sessions/:id/turns/:turn_id/confirmations/:call_id': () => ({ approved: true }),
  'PUT /api/copilot/settings/model': () => ({ model: 'demo' }),
  'POST /api/workflows': () => ({ name: 'Flow' }),
  'PUT /api/workflows/:id/graph': () => ({ blocks: [], edges: [] }),
};
/** What the owner gets where it is not 200. */
const STATUS: Record<string, number> = {
  'POST /api/copilot/sessions': 201,
  'DELETE /api/copilot/sessions/:id': 204,
  'POST /api/workflows': 201,
  'GET /readyz': 503,
  // The turn's workflow is not there: it is settled as ended.
  'POST /api/copilot/sessions/:id/turns/:turn_id/cancel': 409,
};

interface Own {
  sessionId: string;
  workflowId: string;
  turnId: string;
  messageId: string;
  callId: string;
}

/** A session of `owner` with a turn that asks, an applied message and a workflow. */
async function insertOwn(owner: string | null): Promise<Own> {
  const session = await insertSession(api.db, owner);
  const turnId = await insertTurn(api.db, session);
  await appendEvents(api.db, turnId, [{ event: 'status', payload: { message: 'Thinking...' } }]);
  const messageId = randomUUID();
  await api.db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff, created_at)
     values (?, ?, 'assistant', 'done', '{"remove_edges":[{"source":"a","target":"b"}]}', now())`,
    [messageId, session.sessionId],
  );
  await api.db.raw(
    `insert into ai.copilot_snapshots (message_id, workflow_id, before_graph, after_graph, response)
     values (?, ?, '{"blocks":[],"edges":[]}', '{"blocks":[],"edges":[]}', ?)`,
    [
      messageId,
      session.workflowId,
      JSON.stringify({ id: session.workflowId, version: 1, blocks: [], edges: [] }),
    ],
  );
  const callId = 'call_1';
  await api.db.raw(
    `insert into ai.copilot_confirmations
       (turn_id, call_id, arguments, arguments_hash, change, summary, asset_id, fingerprint, expires_at)
     values (?, ?, '{}', '', '{}', '', gen_random_uuid(), '', now() + interval '1 hour')`,
    [turnId, callId],
  );
  return { ...session, turnId, messageId, callId };
}

async function call(
  route: string,
  token: string | null,
  row: Own,
  ids: Partial<Record<string, string>> = {},
) {
  const [method, pattern] = route.split(' ') as [string, string];
  const params: Record<string, string> = {
    id: pattern.startsWith('/api/workflows') ? row.workflowId : row.sessionId,
    mid: row.messageId,
    turn_id: row.turnId,
    call_id: row.callId,
    ...ids,
  };
  const query = route === 'GET /api/copilot/sessions' ? `?workflow_id=${row.workflowId}` : '';
  const body = BODIES[route]?.(row);
  const controller = new AbortController();
  const response = await fetch(
    api.url + pattern.replace(/:(\w+)/g, (_all, name: string) => params[name]!) + query,
    {
      method,
      signal: controller.signal,
      headers: {
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        // Otherwise the test would be let in as a program on the same machine.
        ...(route === 'GET /metrics' ? { 'X-Forwarded-For': '192.0.2.1' } : {}),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
  );
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = isStream ? '' : await response.text();
  if (isStream) controller.abort();
  const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
  return { status: response.status, text, bytes: JSON.stringify([response.status, headers, text]) };
}

/** The rows of the table: route, then who may. */
function documented(): Map<string, string[]> {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/access.md'), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| `[A-Z]+ \//.test(line));
  return new Map(
    rows.map((line) => {
      const [route, ...cells] = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [route!.replaceAll('`', ''), cells];
    }),
  );
}

test('docs/access.md has a row for every route, and for no other', () => {
  assert.deepEqual([...documented().keys()].sort(), [...api.routes].sort());
});

test('every route lets in whom the table says', async () => {
  for (const [route, [service, authenticated, without]] of documented()) {
    const ok = STATUS[route] ?? 200;
    const row = await insertOwn('ann');
    const open = without === 'yes';
    for (const [who, token, status] of [
      ['nobody', null, open ? ok : 401],
      ['expired', tokens.expired!, open ? ok : 401],
      ['anon', tokens.anon!, open ? ok : 403],
      ['ann', tokens.ann!, authenticated === '403' ? 403 : ok],
      ['service', tokens.service!, ok],
    ] as const) {
      // A decision, a cancellation and a deletion happen once: each principal has rows of its own.
      const answer = await call(route, token, who === 'service' ? await insertOwn('ann') : row);
      assert.equal(answer.status, status, `${route} by ${who}: ${answer.text}`);
    }
    assert.ok(['yes', 'any session'].includes(service!), route);
    assert.match(authenticated!, /^(?:yes|own sessions|403)/);
  }
});

test('what is foreign, deleted or malformed answers as what never was: the same bytes', async () => {
  for (const route of api.routes.filter((name) => name.includes(':'))) {
    const isShared = route.includes('/api/workflows');
    const own = await insertOwn('ann');
    const gone = await insertOwn('ann');
    await api.db.raw('delete from ai.workflows where id = ?', [gone.workflowId]);
    const others = await Promise.all([insertOwn('bob'), insertOwn(null), insertOwn('')]);
    const never = await call(route, tokens.ann!, own, { id: randomUUID() });
    assert.equal(never.status, 404, route);
    const same = async (ids: Partial<Record<string, string>>, expected: string, note: string) => {
      const answer = await call(route, tokens.ann!, own, ids);
      assert.equal(answer.bytes, expected, `${route} ${note}`);
    };
    for (const id of [isShared ? gone.workflowId : gone.sessionId, 'x', '%00', '%ff', `${own.sessionId}0`])
      await same({ id }, never.bytes, `id ${id}`);
    if (isShared) continue;
    for (const other of others)
      await same(
        { id: other.sessionId, turn_id: other.turnId, mid: other.messageId, call_id: other.callId },
        never.bytes,
        'of somebody else',
      );
    for (const [name, key] of [
      ['turn_id', 'turnId'],
      ['mid', 'messageId'],
    ] as const) {
      if (!route.includes(`:${name}`)) continue;
      const unknown = await call(route, tokens.ann!, own, { [name]: randomUUID() });
      assert.equal(unknown.status, 404, route);
      for (const id of [...others.map((other) => other[key]), gone[key], 'x', '%00'])
        await same({ [name]: id }, unknown.bytes, `${name} ${id}`);
    }
    if (!route.includes(':call_id')) continue;
    const unasked = await call(route, tokens.ann!, own, { call_id: 'call_2' });
    assert.equal(unasked.status, 404);
    for (const id of ['%00', 'x'.repeat(100), 'a%20b'])
      await same({ call_id: id }, unasked.bytes, `call_id ${id}`);
  }
});

test("a list of messages does not tell a foreign message's id from an unknown one", async () => {
  const [own, other] = [await insertOwn('ann'), await insertOwn('bob')];
  for (const name of ['before', 'message']) {
    const ask = (id: string) =>
      call('GET /api/copilot/sessions/:id/messages', tokens.ann!, own, {
        id: `${own.sessionId}/messages?${name}=${id}#`,
      });
    assert.equal((await ask(other.messageId)).bytes, (await ask(randomUUID())).bytes);
    assert.equal((await ask(own.messageId)).status, 200);
  }
});

test("somebody else's session of a workflow is as none", async () => {
  const other = await insertOwn('bob');
  const answer = await call('GET /api/copilot/sessions', tokens.ann!, other);
  assert.deepEqual([answer.status, answer.text], [200, '{"session":null}']);
});

test('a decision is recorded with who made it', async () => {
  for (const [who, by] of [
    ['ann', 'ann'],
    ['service', 'service_role'],
  ] as const) {
    const row = await insertOwn('ann');
    const route = 'POST /api/copilot/sessions/:id/turns/:turn_id/confirmations/:call_id';
    assert.equal((await call(route, tokens[who]!, row)).status, 200);
    const { rows } = await api.db.raw<{ rows: { decided_by: string }[] }>(
      'select decided_by from ai.copilot_confirmations where turn_id = ?',
      [row.turnId],
    );
    assert.equal(rows[0]!.decided_by, by);
  }
});
