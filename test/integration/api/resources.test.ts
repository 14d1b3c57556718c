/**
 * Sessions, messages, snapshots, workflows, block types and settings, over HTTP on a real Postgres. One file, because each
 * resource needs rows that the others make.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { MODELS } from '../../../models/models.ts';
import { blockTypes } from '../../../domain/rules/block-registry.ts';
import type { WorkflowDiff } from '../../../domain/graph/graph.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertTurn, signToken, startTestApi, type TestApi } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
const cancelled: string[] = [];

before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    config: { allowedRoles: ['service_role', 'authenticated'] },
    turns: { cancelForDelete: async (id) => void cancelled.push(id) },
  });
});
after(async () => {
  await api.close();
  await database.drop();
});

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = api.headers,
) {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

/** Any order that is the same on both sides. */
const compare = (a: unknown, b: unknown) => JSON.stringify(a).localeCompare(JSON.stringify(b));

const asUser = async (sub: string) => ({
  Authorization: `Bearer ${await signToken({ role: 'authenticated', sub })}`,
});

interface Stored {
  id: string;
  version: number;
  blocks: {
    id: string;
    name: string;
    type: string;
    config: Record<string, unknown>;
    enabled: boolean;
    position: { x: number; y: number };
  }[];
  edges: { source: string; target: string; sourceHandle: string; condition: string | null }[];
}

/** Start -> Check -if-> Work, Check -else-> End, Work -> End. */
async function newWorkflow() {
  const { body } = await call('POST', '/api/workflows', { name: 'Flow' });
  const ids = { start: randomUUID(), check: randomUUID(), work: randomUUID(), end: randomUUID() };
  const block = (id: string, type: string, name: string, config: object, more: object = {}) => ({
    id,
    type,
    name,
    position: { x: 1, y: 2 },
    config,
    ...more,
  });
  const put = await call('PUT', `/api/workflows/${String(body.id)}/graph`, {
    blocks: [
      block(ids.start, 'starter', 'Start', { input: {} }),
      block(ids.check, 'condition', 'Check', { branches: [{ expression: 'true' }] }),
      block(ids.work, 'code', 'Work', { code: 'output = 1', language: 'python' }, { enabled: false }),
      block(ids.end, 'response', 'End', { output: '<Work.output>' }),
    ],
    edges: [
      { source: ids.start, target: ids.check },
      { source: ids.check, target: ids.work, sourceHandle: 'if' },
      { source: ids.check, target: ids.end, sourceHandle: 'else' },
      { source: ids.work, target: ids.end, sourceHandle: 'output' },
    ],
  });
  assert.equal(put.status, 200, put.text);
  return { id: String(body.id), ids };
}

const read = async (id: string) => (await call('GET', `/api/workflows/${id}`)).body as unknown as Stored;

/** A session with one finished turn whose message proposes a diff. */
async function newProposal(workflowId: string, diff: WorkflowDiff | null) {
  const { body } = await call('POST', '/api/copilot/sessions', { workflow_id: workflowId });
  const sessionId = String(body.id);
  const turnId = await insertTurn(api.db, { sessionId, workflowId }, 'complete');
  const { rows } = await api.db.raw<{ rows: { message_id: string; user_message_id: string }[] }>(
    'select message_id, user_message_id from ai.copilot_turns where id = ?',
    [turnId],
  );
  const { message_id: messageId, user_message_id: userMessageId } = rows[0]!;
  await api.db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff, created_at) values
       (?, ?, 'user', 'hi', null, now()), (?, ?, 'assistant', 'done', ?::jsonb, now() + interval '1 second')`,
    [userMessageId, sessionId, messageId, sessionId, diff === null ? null : JSON.stringify(diff)],
  );
  const path = `/api/copilot/sessions/${sessionId}/messages/${messageId}`;
  return { sessionId, turnId, messageId, userMessageId, path };
}

test('a session is made, found as the newest of its workflow, and deleted with everything in it', async () => {
  const { id } = await newWorkflow();
  const first = await call('POST', '/api/copilot/sessions', { workflow_id: id });
  assert.equal(first.status, 201);
  assert.deepEqual(Object.keys(first.body), ['id', 'workflow_id', 'created_at']);
  assert.deepEqual((await call('GET', `/api/copilot/sessions?workflow_id=${id}`)).body.session, {
    ...first.body,
    updated_at: first.body.created_at,
    active_turn_id: null,
  });
  const second = await call('POST', '/api/copilot/sessions', { workflow_id: id });
  const turnId = await insertTurn(api.db, { sessionId: String(second.body.id), workflowId: id });
  const found = (await call('GET', `/api/copilot/sessions?workflow_id=${id}`)).body.session as Record<
    string,
    unknown
  >;
  assert.deepEqual([found.id, found.active_turn_id], [second.body.id, turnId]);
  assert.equal((await call('DELETE', `/api/copilot/sessions/${String(second.body.id)}`)).status, 204);
  assert.ok(cancelled.includes(String(second.body.id)), 'a running turn is cancelled first');
  assert.equal((await call('DELETE', `/api/copilot/sessions/${String(second.body.id)}`)).status, 404);
  const { rows } = await api.db.raw<{ rows: unknown[] }>('select 1 from ai.copilot_turns where id = ?', [
    turnId,
  ]);
  assert.deepEqual(rows, []);
});

test('bad and missing fields are named, unknown workflows are 404', async () => {
  for (const body of [
    {},
    { workflow_id: null },
    { workflow_id: '' },
    { workflow_id: 7 },
    { workflow_id: ['x'] },
  ]) {
    const answer = await call('POST', '/api/copilot/sessions', body);
    assert.equal(answer.status, 400);
    assert.match(String(answer.body.error), /workflow_id/);
  }
  assert.equal((await call('GET', '/api/copilot/sessions')).status, 400);
  for (const id of [randomUUID(), 'nope', '\u0000', 'a'.repeat(5_000)]) {
    assert.equal((await call('POST', '/api/copilot/sessions', { workflow_id: id })).status, 404);
    assert.equal(
      (await call('GET', `/api/copilot/sessions?workflow_id=${encodeURIComponent(id)}`)).status,
      404,
    );
  }
  const { id } = await newWorkflow();
  assert.deepEqual((await call('GET', `/api/copilot/sessions?workflow_id=${id}`)).body, { session: null });
});

test("a user sees its own sessions only; another's id answers the same bytes as an unknown one", async () => {
  const { id } = await newWorkflow();
  const [ann, bob] = [await asUser('ann'), await asUser('bob')];
  const { body } = await call('POST', '/api/copilot/sessions', { workflow_id: id }, ann);
  const own = `/api/copilot/sessions/${String(body.id)}`;
  assert.equal((await call('GET', `${own}/messages`, undefined, ann)).status, 200);
  assert.equal((await call('GET', `${own}/messages`)).status, 200, 'the service sees all');
  assert.deepEqual((await call('GET', `/api/copilot/sessions?workflow_id=${id}`, undefined, bob)).body, {
    session: null,
  });
  for (const [method, tail, sent] of [
    ['GET', '/messages', undefined],
    ['DELETE', '', undefined],
    ['POST', `/messages/${randomUUID()}/snapshot`, { pre_snapshot: { nodes: [], edges: [] } }],
    ['POST', `/messages/${randomUUID()}/revert`, undefined],
    ['POST', '/chat', { message: 'hi' }],
    ['GET', `/turns/${randomUUID()}`, undefined],
    ['GET', `/turns/${randomUUID()}/events`, undefined],
    ['POST', `/turns/${randomUUID()}/cancel`, undefined],
  ] as const) {
    const foreign = await call(method, own + tail, sent, bob);
    const unknown = await call(method, `/api/copilot/sessions/${randomUUID()}${tail}`, sent, bob);
    assert.deepEqual([foreign.status, foreign.text], [404, unknown.text], `${method} ${tail}`);
  }
});

test('messages come oldest first, in pages backwards, with what their turn did', async () => {
  const { id } = await newWorkflow();
  const { sessionId, turnId, messageId, userMessageId } = await newProposal(id, { remove_blocks: ['x'] });
  await api.db.raw(
    `insert into ai.copilot_transcript (turn_id, key, step, position, role, body) values
       (:turn, 'step:1', 1, 0, 'assistant', :answer), (:turn, 'call:c1', 1, 1, 'tool', :result)`,
    {
      turn: turnId,
      answer: JSON.stringify({
        content: '',
        toolCalls: [
          { callId: 'c1', name: 'get_block_info', arguments: '{"block_types":["agent"]}' },
          { callId: 'c2', name: 'nope', arguments: 'no json' },
        ],
      }),
      result: JSON.stringify({ callId: 'c1', name: 'get_block_info', content: '{"a":1}', isError: false }),
    },
  );
  await api.db.raw(
    `insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_usd, estimated)
     values (:turn, :session, 1, 1, 'gpt-5.2', 10, 2, 3, 1, 0.000100, false), (:turn, :session, 1, 2, 'gpt-5.2', 5, 0, 1, 0, 0.000020, false), (:turn, :session, 1, 3, 'gpt-5.2', 99, 0, 9, 0, null, true)`,
    { turn: turnId, session: sessionId },
  );
  const all = (await call('GET', `/api/copilot/sessions/${sessionId}/messages`)).body.messages as Record<
    string,
    unknown
  >[];
  const { created_at: at, ...assistant } = all[1]!;
  assert.ok(!Number.isNaN(Date.parse(String(at))));
  assert.deepEqual(assistant, {
    id: messageId,
    session_id: sessionId,
    role: 'assistant',
    content: 'done',
    workflow_diff: { remove_blocks: ['x'] },
    pre_snapshot: null,
    change: 'proposed',
    turn_id: turnId,
    status: 'complete',
    model: 'demo',
    tool_calls: [
      {
        call_id: 'c1',
        name: 'get_block_info',
        arguments: { block_types: ['agent'] },
        result: '{"a":1}',
        is_error: false,
        step: 1,
      },
      { call_id: 'c2', name: 'nope', arguments: 'no json', result: null, is_error: false, step: 1 },
    ],
    usage: {
      calls: 2,
      input_tokens: 15,
      cached_tokens: 2,
      output_tokens: 4,
      reasoning_tokens: 1,
      cost_usd: '0.00012',
    },
  });
  assert.deepEqual(
    [all[0]!.id, all[0]!.role, all[0]!.turn_id, all[0]!.tool_calls],
    [userMessageId, 'user', turnId, []],
  );

  const page = (query: string) => call('GET', `/api/copilot/sessions/${sessionId}/messages?${query}`);
  const idsOf = (answer: { body: Record<string, unknown> }) =>
    (answer.body.messages as { id: string }[]).map((message) => message.id);
  assert.deepEqual(idsOf(await page('limit=1')), [messageId]);
  assert.deepEqual(idsOf(await page(`limit=1&before=${messageId}`)), [userMessageId]);
  assert.deepEqual(idsOf(await page(`before=${userMessageId}`)), []);
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=x',
    'limit=1e2',
    'limit=',
    `before=${randomUUID()}`,
    'before=x',
  ]) {
    assert.equal((await page(query)).status, 400, query);
  }
});

test('a snapshot by display names becomes the persisted workflow, once, and can be undone', async () => {
  const { id, ids } = await newWorkflow();
  const added = randomUUID();
  const { path, sessionId } = await newProposal(id, {
    add_blocks: [
      {
        id: added,
        type: 'general_api',
        name: 'Notify',
        position: { x: 5, y: 6 },
        config: { url: 'https://a.example', method: 'POST' },
      },
    ],
    update_blocks: [{ id: 'Work', config: { code: 'output = 2' } }],
    add_edges: [
      { source: 'Work', target: added },
      { source: added, target: 'End' },
    ],
    remove_edges: [{ source: 'Work', target: 'End' }],
  });
  const before = await read(id);
  // The editor's canvas has ids of its own and does not say which blocks are enabled.
  const canvas = {
    nodes: before.blocks.map((block, n) => ({
      id: `n${n}`,
      data: { blockType: block.type, label: block.name, config: block.config },
      position: block.position,
    })),
    edges: before.edges.map((edge) => ({
      source: `n${before.blocks.findIndex((block) => block.id === edge.source)}`,
      target: `n${before.blocks.findIndex((block) => block.id === edge.target)}`,
      sourceHandle: edge.sourceHandle,
    })),
  };
  const applied = await call('POST', `${path}/snapshot`, { pre_snapshot: canvas });
  assert.equal(applied.status, 200, applied.text);
  const after = await read(id);
  assert.deepEqual(applied.body, {
    ok: true,
    workflow: { id, version: before.version + 1, blocks: after.blocks, edges: after.edges },
  });
  const named = (workflow: Stored, name: string) => workflow.blocks.find((block) => block.name === name)!;
  assert.deepEqual(
    [named(after, 'Work').id, named(after, 'Work').config.code, named(after, 'Work').enabled],
    [ids.work, 'output = 2', false],
  );
  assert.equal(named(after, 'Notify').id, added);
  assert.deepEqual(
    after.edges.map((edge) => edge.condition).sort(compare),
    ['else', 'if', null, null, null].sort(compare),
  );

  const repeat = await call('POST', `${path}/snapshot`, { pre_snapshot: { nodes: [], edges: [] } });
  assert.deepEqual([repeat.status, repeat.text], [200, applied.text]);
  assert.equal((await read(id)).version, before.version + 1);
  const [, kept] = (await call('GET', `/api/copilot/sessions/${sessionId}/messages`)).body.messages as {
    pre_snapshot: unknown;
  }[];
  assert.deepEqual(kept!.pre_snapshot, canvas);
  const changes = async () =>
    (
      (await call('GET', `/api/copilot/sessions/${sessionId}/messages`)).body.messages as {
        change: unknown;
      }[]
    ).map(({ change }) => change);
  assert.deepEqual(await changes(), [null, 'applied']);

  // A manual edit to another block stays; the message's change goes.
  const manual = after.blocks.map((block) =>
    block.name === 'End' ? { ...block, config: { output: 'mine' } } : block,
  );
  assert.equal(
    (
      await call('PUT', `/api/workflows/${id}/graph`, {
        blocks: manual,
        edges: after.edges,
        version: after.version,
      })
    ).status,
    200,
  );
  const reverted = await call('POST', `${path}/revert`);
  assert.equal(reverted.status, 200, reverted.text);
  const final = await read(id);
  assert.deepEqual(
    final.blocks.map((block) => block.name).sort(compare),
    before.blocks.map((block) => block.name).sort(compare),
  );
  assert.equal(named(final, 'Work').config.code, 'output = 1');
  assert.equal(named(final, 'End').config.output, 'mine');
  assert.deepEqual(
    final.edges.map(({ source, target }) => [source, target]).sort(compare),
    before.edges.map(({ source, target }) => [source, target]).sort(compare),
  );
  assert.equal((await call('POST', `${path}/revert`)).text, reverted.text);
  assert.equal((await read(id)).version, final.version);
  assert.deepEqual(await changes(), [null, 'reverted']);
});

test('a change that no longer fits is a 409 that names the blocks, and changes nothing', async () => {
  const { id } = await newWorkflow();
  const { path } = await newProposal(id, { update_blocks: [{ id: 'Missing', config: { code: 'x' } }] });
  const before = await read(id);
  const canvas = { nodes: before.blocks, edges: before.edges };
  const answer = await call('POST', `${path}/snapshot`, { pre_snapshot: canvas });
  assert.equal(answer.status, 409);
  assert.match(String(answer.body.error), /Missing/);
  assert.deepEqual(await read(id), before);

  const { path: other } = await newProposal(id, {
    update_blocks: [{ id: 'Work', config: { code: 'output = 3' } }],
  });
  assert.equal((await call('POST', `${other}/revert`)).status, 409, 'never applied');
  assert.equal((await call('POST', `${other}/snapshot`, { pre_snapshot: canvas })).status, 200);
  const now = await read(id);
  const edited = now.blocks.map((block) =>
    block.name === 'Work' ? { ...block, config: { code: 'mine' } } : block,
  );
  await call('PUT', `/api/workflows/${id}/graph`, { blocks: edited, edges: now.edges });
  const conflict = await call('POST', `${other}/revert`);
  assert.equal(conflict.status, 409);
  assert.match(String(conflict.body.error), /Work/);
});

test('a message without a change keeps the snapshot; other ids are 404; pre_snapshot is required', async () => {
  const { id } = await newWorkflow();
  const { path, sessionId, userMessageId } = await newProposal(id, null);
  const before = await read(id);
  assert.equal((await call('POST', `${path}/snapshot`, {})).status, 400);
  for (const bad of [7, 'x', [], {}, { nodes: 7, edges: [] }, { nodes: [{}], edges: [] }]) {
    const answer = await call('POST', `${path}/snapshot`, { pre_snapshot: bad });
    assert.equal(answer.status, 400, JSON.stringify(bad));
    assert.match(String(answer.body.error), /pre_snapshot/);
  }
  const kept = await call('POST', `${path}/snapshot`, { pre_snapshot: { nodes: [], edges: [] } });
  assert.equal((kept.body.workflow as { version: number }).version, before.version);
  assert.deepEqual(await read(id), before);
  assert.equal((await call('POST', `${path}/revert`)).status, 409);
  for (const message of [userMessageId, randomUUID(), 'x']) {
    const sent = { pre_snapshot: { nodes: [], edges: [] } };
    assert.equal(
      (await call('POST', `/api/copilot/sessions/${sessionId}/messages/${message}/snapshot`, sent)).status,
      404,
    );
    assert.equal(
      (await call('POST', `/api/copilot/sessions/${sessionId}/messages/${message}/revert`)).status,
      404,
    );
  }
});

test('workflows are listed in pages and read with their graph', async () => {
  const { id } = await newWorkflow();
  const { body } = await call('GET', '/api/workflows?limit=1&offset=0');
  assert.deepEqual([body.limit, body.offset, (body.workflows as unknown[]).length], [1, 0, 1]);
  assert.ok(Number(body.total) >= 1);
  assert.deepEqual((await call('GET', '/api/workflows?offset=100000')).body.workflows, []);
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=1e400',
    'offset=-1',
    'offset=99999999999999999999',
    'limit=x',
  ]) {
    assert.equal((await call('GET', `/api/workflows?${query}`)).status, 400, query);
  }
  assert.equal((await call('GET', `/api/workflows/${randomUUID()}`)).status, 404);
  assert.equal((await call('GET', '/api/workflows/nope')).status, 404);
  const workflow = await read(id);
  assert.deepEqual(Object.keys(workflow.blocks[0]!), ['id', 'type', 'name', 'position', 'config', 'enabled']);
  assert.deepEqual(Object.keys(workflow.edges[0]!), [
    'id',
    'source',
    'target',
    'sourceHandle',
    'targetHandle',
    'condition',
  ]);
  for (const name of ['', '  ', 7, null, 'x'.repeat(256)])
    assert.equal((await call('POST', '/api/workflows', { name })).status, 400);
  assert.equal((await call('POST', '/api/workflows', { name: '\u0000\ud800 odd' })).status, 201);
});

test('a broken graph is refused with the block or edge that breaks it; a stale version is a 409', async () => {
  const { id } = await newWorkflow();
  const { blocks, edges, version } = await read(id);
  const put = (body: object) => call('PUT', `/api/workflows/${id}/graph`, body);
  const [first] = blocks;
  for (const [body, named] of [
    [{ edges }, /blocks/],
    [{ blocks }, /edges/],
    [{ blocks: [7], edges: [] }, /blocks\[0\]/],
    [{ blocks: [{ ...first, id: 'x' }], edges: [] }, /UUID/],
    [{ blocks: [first, first], edges: [] }, /blocks\[1\]/],
    [{ blocks: [{ ...first, type: 'magic' }], edges: [] }, /starter/],
    [{ blocks: [{ ...first, name: '' }], edges: [] }, /name/],
    [{ blocks: [{ ...first, name: '\u200B' }], edges: [] }, /name/],
    [{ blocks: [{ ...first, config: [] }], edges: [] }, /config/],
    [{ blocks: [{ ...first, position: { x: 1e30, y: 0 } }], edges: [] }, /position/],
    [{ blocks, edges: [{ source: first!.id, target: randomUUID() }] }, /edges\[0\]/],
    [{ blocks, edges: [...edges, edges[0]] }, /twice/],
    [
      { blocks, edges: [{ source: blocks[1]!.id, target: blocks[2]!.id, sourceHandle: 'maybe' }] },
      /sourceHandle/,
    ],
    [{ blocks, edges, version: 'x' }, /version/],
  ] as const) {
    const answer = await put(body);
    assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 100));
    assert.match(String(answer.body.error), named);
  }
  assert.equal((await put({ blocks, edges, version: version - 1 })).status, 409);
  assert.deepEqual(await read(id), await read(id));
  assert.deepEqual((await put({ blocks, edges, version })).body, { ok: true, version: version + 1 });
  assert.equal((await call('PUT', `/api/workflows/${randomUUID()}/graph`, { blocks, edges })).status, 404);
});

test('GET /api/block-types shows the registry', async () => {
  const { body } = await call('GET', '/api/block-types');
  assert.deepEqual(
    (body.block_types as { type: string }[]).map(({ type }) => type),
    blockTypes.map(({ type }) => type),
  );
});

test('the model can be read and set; without any key the demo is offered and used until one is chosen', async () => {
  const first = (await call('GET', '/api/copilot/settings/model')).body;
  assert.deepEqual([first.model, first.default], ['demo', 'gpt-5.2']);
  const options = first.options as { value: string; available: boolean }[];
  assert.deepEqual(
    options.map(({ value }) => value),
    [...MODELS.map(({ id }) => id), 'demo'],
  );
  assert.deepEqual(
    options.filter(({ available }) => available).map(({ value }) => value),
    ['demo'],
  );
  for (const model of [undefined, null, '', 'gpt-2', 7, {}]) {
    assert.equal((await call('PUT', '/api/copilot/settings/model', { model })).status, 400);
  }
  assert.deepEqual((await call('PUT', '/api/copilot/settings/model', { model: 'gpt-4o' })).body, {
    ok: true,
    model: 'gpt-4o',
    available: false,
  });
  assert.equal((await call('GET', '/api/copilot/settings/model')).body.model, 'gpt-4o');
  const refused = await call('PUT', '/api/copilot/settings/model', { model: 'demo' }, await asUser('ann'));
  assert.equal(refused.status, 403);
  assert.match(String(refused.body.error), /service_role/);
  const seen = await call('GET', '/api/copilot/settings/model', undefined, await asUser('ann'));
  assert.deepEqual([seen.status, seen.body.model], [200, 'gpt-4o']);
  const back = await call('PUT', '/api/copilot/settings/model', { model: 'demo' });
  assert.deepEqual(back.body, { ok: true, model: 'demo', available: true });
});

test('the bill sums what was reported per model, in exact decimals, within the given times', async () => {
  const add = (model: string, at: string, tokens: number, cost: string | null, estimated = false) =>
    api.db.raw(
      `insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens, output_tokens,
         reasoning_tokens, cost_usd, estimated, created_at)
       values (gen_random_uuid(), gen_random_uuid(), 1, 1, ?, ?, 1, 2, 3, ?::numeric, ?, ?)`,
      [model, tokens, cost, estimated, at] as never,
    );
  await add('a', '2020-01-01T00:00:00Z', 3_000_000_000, '0.1');
  await add('a', '2020-01-02T00:00:00Z', 10, '0.2');
  await add('a', '2020-01-02T01:00:00Z', 0, null, true);
  await add('b', '2020-01-03T00:00:00Z', 7, null);
  const { status, body } = await call(
    'GET',
    '/api/copilot/usage?from=2020-01-01&to=2020-01-03T00:00:00.001Z',
  );
  assert.equal(status, 200);
  const sums = { turns: 2, calls: 2, cached_tokens: 2, output_tokens: 4, reasoning_tokens: 6 };
  assert.deepEqual(body.models, [
    { ...sums, model: 'a', estimated_calls: 1, input_tokens: 3_000_000_010, cost_usd: '0.3' },
    {
      model: 'b',
      turns: 1,
      calls: 1,
      estimated_calls: 0,
      input_tokens: 7,
      cached_tokens: 1,
      output_tokens: 2,
      reasoning_tokens: 3,
      cost_usd: null,
    },
  ]);
  const second = await call('GET', '/api/copilot/usage?from=2020-01-02T00:00:00%2B00:00&to=2020-01-03');
  assert.deepEqual(
    (second.body.models as { model: string; cost_usd: string }[]).map((row) => [row.model, row.cost_usd]),
    [['a', '0.2']],
  );
  for (const query of ['from=yesterday', 'to=2020-13-01', 'from=2021-01-01&to=2020-01-01', 'from=1&from=2'])
    assert.equal((await call('GET', `/api/copilot/usage?${query}`)).status, 400, query);
  assert.equal((await call('GET', '/api/copilot/usage', undefined, await asUser('u1'))).status, 403);
});
