/** The audit log: an entry for each act and none for a repeat, in the transaction of the act, for the operator only. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../../support/api-database.ts';
import { connectStoredTurns } from '../../support/stored-turns.ts';
import { insertSession, insertTurn, signToken, startTestApi, type TestApi } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    config: { allowedRoles: ['service_role', 'authenticated'] },
    connectTurns: connectStoredTurns,
  });
});
after(async () => {
  await api?.close();
  await database?.drop();
});

interface Entry {
  id: string;
  at: string;
  actor: string;
  role: string;
  action: string;
  target: string;
  request_id: string;
}

const CANVAS = { nodes: [], edges: [] };

/** Sends a request with the token of these claims. */
async function call(claims: object, method: string, path: string, body?: unknown, requestId?: string) {
  const response = await fetch(api.url + path, {
    method,
    headers: {
      Authorization: `Bearer ${await signToken({ ...claims })}`,
      'Content-Type': 'application/json',
      ...(requestId === undefined ? {} : { 'X-Request-Id': requestId }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
}

async function entries(query = '?limit=200'): Promise<Entry[]> {
  const { status, body } = await call({}, 'GET', `/api/copilot/audit${query}`);
  assert.equal(status, 200);
  return body.entries as Entry[];
}

/** What was recorded of a target, oldest first. */
async function actsOn(target: string): Promise<string[]> {
  const found = await entries();
  return found
    .filter((entry) => entry.target === target)
    .map(({ action }) => action)
    .toReversed();
}

const ANN = { role: 'authenticated', sub: 'ann' };

/** A session of ann with an assistant message. */
async function annsMessage(diff: object | null) {
  const { sessionId, workflowId } = await insertSession(api.db, 'ann');
  const messageId = randomUUID();
  await api.db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff, created_at)
     values (?, ?, 'assistant', 'done', ?::jsonb, now())`,
    [messageId, sessionId, JSON.stringify(diff)],
  );
  return {
    sessionId,
    workflowId,
    messageId,
    path: `/api/copilot/sessions/${sessionId}/messages/${messageId}`,
  };
}

test('a saved graph is an entry with who, what and the request; a refused save is none', async () => {
  const { workflowId } = await insertSession(api.db);
  const path = `/api/workflows/${workflowId}/graph`;
  const graph = { blocks: [], edges: [] };
  assert.equal((await call(ANN, 'PUT', path, graph, 'save-1')).status, 200);
  assert.equal((await call({ sub: 'backend' }, 'PUT', path, graph, 'save-2')).status, 200);
  assert.equal((await call({}, 'PUT', path, graph, 'save-3')).status, 200);
  assert.equal((await call(ANN, 'PUT', path, { ...graph, version: 1 })).status, 409);
  assert.equal((await call(ANN, 'PUT', path, { blocks: [] })).status, 400);
  const found = (await entries()).filter(({ target }) => target === workflowId);
  assert.deepEqual(
    found.map(({ actor, role, action, request_id }) => [actor, role, action, request_id]),
    [
      ['service_role', 'service_role', 'workflow.graph.write', 'save-3'],
      ['backend', 'service_role', 'workflow.graph.write', 'save-2'],
      ['ann', 'authenticated', 'workflow.graph.write', 'save-1'],
    ],
  );
  for (const { at } of found) assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
});

test('a snapshot and a revert are an entry each, their repeats are none', async () => {
  const diff = { add_blocks: [{ id: 'a', type: 'code', name: 'A', position: { x: 0, y: 0 }, config: {} }] };
  for (const change of [diff, null]) {
    const { path, messageId } = await annsMessage(change);
    const statuses = [];
    for (const act of ['revert', 'snapshot', 'snapshot', 'revert', 'revert', 'snapshot'])
      statuses.push((await call(ANN, 'POST', `${path}/${act}`, { pre_snapshot: CANVAS })).status);
    const reverts = change === null ? 409 : 200;
    assert.deepEqual(statuses, [409, 200, 200, reverts, reverts, 200]);
    assert.deepEqual(
      await actsOn(messageId),
      change === null ? ['message.snapshot'] : ['message.snapshot', 'message.revert'],
    );
  }
});

test('each choice of the model and a deleted session are entries, a refused act is none', async () => {
  const choose = (claims: object, model: string) =>
    call(claims, 'PUT', '/api/copilot/settings/model', { model });
  assert.equal((await choose({}, 'gpt-4o')).status, 200);
  assert.equal((await choose({}, 'gpt-4o')).status, 200);
  assert.equal((await choose(ANN, 'o3')).status, 403);
  assert.equal((await choose({}, 'nothing')).status, 400);
  assert.deepEqual(await actsOn('gpt-4o'), ['settings.model.write', 'settings.model.write']);
  assert.deepEqual(await actsOn('o3'), []);
  const { sessionId } = await insertSession(api.db, 'ann');
  const remove = () => call(ANN, 'DELETE', `/api/copilot/sessions/${sessionId}`);
  assert.deepEqual([(await remove()).status, (await remove()).status], [204, 404]);
  assert.deepEqual(await actsOn(sessionId), ['session.delete']);
});

test('the first decision is an entry; the same again, the opposite and a late one are none', async () => {
  const session = await insertSession(api.db, 'ann');
  const turnId = await insertTurn(api.db, session);
  for (const [callId, expires] of [
    ['call_1', '1 hour'],
    ['late', '-1 hour'],
  ])
    await api.db.raw(
      `insert into ai.copilot_confirmations
         (turn_id, call_id, arguments, arguments_hash, change, summary, asset_id, fingerprint, expires_at)
       values (?, ?, '{}', '', '{}', '', gen_random_uuid(), '', now() + ?::interval)`,
      [turnId, callId!, expires!],
    );
  const decide = async (callId: string, approved: boolean) =>
    (
      await call(
        ANN,
        'POST',
        `/api/copilot/sessions/${session.sessionId}/turns/${turnId}/confirmations/${callId}`,
        {
          approved,
        },
      )
    ).status;
  const statuses = [
    await decide('call_1', false),
    await decide('call_1', false),
    await decide('call_1', true),
  ];
  assert.deepEqual([...statuses, await decide('late', true)], [200, 200, 409, 409]);
  assert.deepEqual(await actsOn(`${turnId}/call_1`), ['confirmation.decide']);
  assert.deepEqual(await actsOn(`${turnId}/late`), []);
});

test('an act whose entry can not be written does not happen', async () => {
  const { workflowId } = await insertSession(api.db);
  const { sessionId } = await insertSession(api.db);
  const { path, messageId } = await annsMessage({});
  await api.db.raw('alter table ai.copilot_audit rename to copilot_audit_away');
  try {
    const acts = [
      call({}, 'PUT', `/api/workflows/${workflowId}/graph`, { blocks: [], edges: [] }),
      call({}, 'DELETE', `/api/copilot/sessions/${sessionId}`),
      call({}, 'PUT', '/api/copilot/settings/model', { model: 'o4-mini' }),
      call({}, 'POST', `${path}/snapshot`, { pre_snapshot: CANVAS }),
    ];
    for (const { status } of await Promise.all(acts)) assert.equal(status, 500);
  } finally {
    await api.db.raw('alter table ai.copilot_audit_away rename to copilot_audit');
  }
  const { rows } = await api.db.raw<{ rows: object[] }>(
    `select w.version, s.id, (select value from ai.project_settings where key = 'copilot_model') as model,
       (select count(*)::int from ai.copilot_snapshots where message_id = ?) as snapshots
     from ai.workflows w, ai.copilot_sessions s where w.id = ? and s.id = ?`,
    [messageId, workflowId, sessionId],
  );
  assert.deepEqual(rows, [{ version: 1, id: sessionId, model: 'gpt-4o', snapshots: 0 }]);
});

test('nobody changes, deletes or empties the log', async () => {
  for (const sql of [
    `update ai.copilot_audit set actor = 'nobody'`,
    'delete from ai.copilot_audit',
    'truncate ai.copilot_audit',
  ])
    await assert.rejects(api.db.raw(sql), /never changed or deleted/);
});

test('pages go back from the newest entry; only the operator reads them', async () => {
  const { workflowId } = await insertSession(api.db);
  for (let n = 0; n < 5; n += 1)
    await call({}, 'PUT', `/api/workflows/${workflowId}/graph`, { blocks: [], edges: [] }, `page-${n}`);
  const all = await entries();
  const paged: Entry[] = [];
  for (let page = await entries('?limit=2'); page.length > 0; ) {
    paged.push(...page);
    page = await entries(`?limit=2&before=${page.at(-1)!.id}`);
  }
  assert.deepEqual(paged, all);
  assert.deepEqual(
    all.slice(0, 2).map(({ request_id }) => request_id),
    ['page-4', 'page-3'],
  );
  for (const [query, message] of [
    ['limit=0', /^limit must be/],
    ['limit=201', /^limit must be/],
    ['limit=x', /^limit must be/],
    [`before=${randomUUID()}`, /^before must be/],
    ['before=x', /^before must be/],
  ] as const) {
    const { status, body } = await call({}, 'GET', `/api/copilot/audit?${query}`);
    assert.equal(status, 400, query);
    assert.match(String(body.error), message);
  }
  assert.equal((await call(ANN, 'GET', '/api/copilot/audit')).status, 403);
});
