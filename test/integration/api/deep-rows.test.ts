/** No row breaks a read: rows by SQL, as earlier releases and the platform may have written them. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { TurnBody } from '../../../contracts/http/turns.ts';
import { findWorkflow, StoredGraphError, toGraph } from '../../../db/graphs/graphs.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertSession, insertTurn, startTestApi, type TestApi } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
let turn: TurnBody | null = null;
before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    turns: { get: async () => turn },
    plantedFaults: [/^GET \S+\/messages 200: data\/messages\/0\/workflow_diff/],
  });
});
after(async () => {
  await api?.close();
  await database?.drop();
});

const DEPTH = 5_000;
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const deepObject = (depth = DEPTH) => `{"deep":${nested(depth)}}`;

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: { ...api.headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/, text.slice(0, 100));
  return { status: response.status, text, body: JSON.parse(text) as Record<string, unknown> };
}

/** An assistant message of a turn with the given transcript bodies. */
async function insertMessage(
  bodies: [role: string, body: string][],
  diff: string | null = null,
  snapshot: string | null = null,
) {
  const session = await insertSession(api.db);
  const turnId = await insertTurn(api.db, session, 'complete');
  const messageId = randomUUID();
  await api.db.raw('update ai.copilot_turns set message_id = ? where id = ?', [messageId, turnId]);
  await api.db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff, pre_snapshot, created_at)
     values (?, ?, 'assistant', 'done', ?::jsonb, ?::jsonb, now())`,
    [messageId, session.sessionId, diff, snapshot] as never,
  );
  for (const [index, [role, body]] of bodies.entries())
    await api.db.raw(
      `insert into ai.copilot_transcript (turn_id, key, step, position, role, body) values (?, ?, 1, ?, ?, ?)`,
      [turnId, `k${index}`, index, role, body],
    );
  return { ...session, turnId, messageId, path: `/api/copilot/sessions/${session.sessionId}/messages` };
}

test('tool arguments that are too deep come as the text that the model wrote', async () => {
  const deep = `{"sql":${nested(20_000)}}`;
  const { path } = await insertMessage([
    [
      'assistant',
      JSON.stringify({
        toolCalls: [
          { callId: 'a', name: 'execute_public_sql', arguments: deep },
          { callId: 'b', name: 'execute_public_sql', arguments: '{"sql":"select 1"}' },
        ],
      }),
    ],
  ]);
  const { status, body } = await call('GET', path);
  assert.equal(status, 200);
  const [message] = body.messages as { tool_calls: { arguments: unknown }[] }[];
  assert.deepEqual(
    message!.tool_calls.map((one) => one.arguments),
    [deep, { sql: 'select 1' }],
  );
});

test('transcript rows in any shape are read or left out', async () => {
  const odd = [
    '',
    'no json',
    '[]',
    'null',
    '7',
    '{}',
    '{"toolCalls":7}',
    '{"toolCalls":[7,null,{},{"callId":1}]}',
    nested(DEPTH),
  ];
  const { path } = await insertMessage([
    ...odd.map((body): [string, string] => ['assistant', body]),
    ['assistant', '{"toolCalls":[{"callId":"a","name":"n"}]}'],
    ...odd.map((body): [string, string] => ['tool', body]),
    ['tool', '{"callId":"a","content":{"x":1}}'],
  ]);
  const { status, body } = await call('GET', path);
  assert.equal(status, 200);
  const [message] = body.messages as { tool_calls: unknown[] }[];
  assert.deepEqual(message!.tool_calls, [
    { call_id: 'a', name: 'n', arguments: {}, result: null, is_error: false, step: 1 },
  ]);
});

test('deep diffs and snapshots are read; applying such a diff is a 409', async () => {
  for (const diff of [
    `{"add_blocks":[{"id":"a","type":"code","config":${deepObject()}}]}`,
    `{"remove_blocks":[${nested(DEPTH)}]}`,
  ]) {
    const { path, messageId } = await insertMessage([], diff, deepObject());
    const { status, text } = await call('GET', path);
    assert.equal(status, 200);
    assert.ok(text.includes('['.repeat(DEPTH)));
    const applied = await call('POST', `${path}/${messageId}/snapshot`, {
      pre_snapshot: { nodes: [], edges: [] },
    });
    assert.equal(applied.status, 409, applied.text.slice(0, 200));
  }
});

test('a graph with a deep config is read, refused with the name of its block where it is used, and can be replaced', async () => {
  const { workflowId, path, messageId } = await insertMessage([]);
  const blockId = randomUUID();
  await api.db.raw(
    `insert into ai.workflow_blocks (id, workflow_id, type, name, config, position_x, position_y)
     values (?, ?, 'code', 'Deep One', ?::jsonb, 'NaN', 'Infinity')`,
    [blockId, workflowId, deepObject()],
  );
  const { status, body } = await call('GET', `/api/workflows/${workflowId}`);
  assert.equal(status, 200);
  const [block] = body.blocks as { position: unknown }[];
  assert.deepEqual(block!.position, { x: 0, y: 0 });
  const used = await call('POST', `${path}/${messageId}/snapshot`, {
    pre_snapshot: { nodes: [], edges: [] },
  });
  assert.equal(used.status, 409);
  assert.match(String(used.body.error), /Deep One/);
  const stored = await findWorkflow(api.db, workflowId);
  assert.throws(() => toGraph(stored!), StoredGraphError);
  const replaced = await call('PUT', `/api/workflows/${workflowId}/graph`, {
    blocks: [{ id: blockId, type: 'code', name: 'Deep One', config: { code: 'output = 1' } }],
    edges: [],
  });
  assert.equal(replaced.status, 200, replaced.text);
  assert.equal(
    (await call('POST', `${path}/${messageId}/snapshot`, { pre_snapshot: { nodes: [], edges: [] } })).status,
    200,
  );
});

test('a turn with a deep diff and a deep question is read', async () => {
  const { sessionId, turnId } = await insertMessage([]);
  const deep = JSON.parse(deepObject()) as never;
  turn = {
    id: turnId,
    status: 'running',
    step: 1,
    model: 'demo',
    started_at: null,
    finished_at: null,
    pending_confirmation: {
      call_id: 'a',
      name: 'n',
      arguments: deep,
      summary: 'ünï',
      before: deep,
      after: null,
      expires_at: '2026-01-31T12:00:00.000Z',
    },
    workflow_diff: { update_blocks: [{ id: 'a', config: deep }] },
    usage: {
      calls: 0,
      input_tokens: 0,
      cached_tokens: 0,
      output_tokens: 0,
      reasoning_tokens: 0,
      cost_usd: null,
    },
    stop_reason: null,
    temporal_url: null,
  };
  const { status, body, text } = await call('GET', `/api/copilot/sessions/${sessionId}/turns/${turnId}`);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), Object.keys(turn));
  assert.equal(text.split('['.repeat(DEPTH)).length, 4);
});

test('a fault in the writing of an answer is a 500 in the form of all errors, and ends nothing else', async () => {
  const { sessionId, turnId } = await insertMessage([]);
  class Unwritable {
    readonly id = 1n;
  }
  for (const fault of [new Unwritable(), { id: 1n }]) {
    turn = fault as never;
    const { status, body } = await call('GET', `/api/copilot/sessions/${sessionId}/turns/${turnId}`);
    assert.equal(status, 500);
    assert.match(String(body.error), /^Internal error\. The request id is [\w-]+\.$/);
  }
  turn = null;
  assert.equal((await call('GET', '/healthz')).status, 200);
});

test('times without an end, and more tokens than an int, are read', async () => {
  const { path, workflowId, sessionId, turnId } = await insertMessage([]);
  for (const time of ['infinity', '-infinity', '294276-12-31', '4713-01-01 BC']) {
    for (const table of ['copilot_messages', 'copilot_sessions', 'workflows'])
      await api.db.raw(`update ai.${table} set created_at = ?::timestamptz`, [time]);
    await api.db.raw('update ai.copilot_sessions set updated_at = ?::timestamptz', [time]);
    for (const target of [
      path,
      '/api/workflows',
      `/api/workflows/${workflowId}`,
      `/api/copilot/sessions?workflow_id=${workflowId}`,
    ]) {
      const { status, text } = await call('GET', target);
      assert.equal(status, 200, `${target} ${time} ${text}`);
    }
  }
  await api.db.raw(
    `insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens, output_tokens, reasoning_tokens)
     values (?, ?, 1, 1, 'm', 9000000000000000, 9000000000000000, 9000000000000000, 9000000000000000)`,
    [turnId, sessionId],
  );
  const { body } = await call('GET', path);
  assert.equal((body.messages as { usage: { input_tokens: number } }[])[0]!.usage.input_tokens, 9e15);
  assert.equal((await call('GET', '/api/copilot/usage')).status, 200);
});
