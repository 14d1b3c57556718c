/** What the database keeps of graphs and snapshots: rows, digits, texts, defaults, and rows that the platform wrote. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { listMessages } from '../../../db/sessions/messages.ts';
import { applySnapshot, revertSnapshot } from '../../../db/sessions/snapshots.ts';
import { findWorkflow, type StoredWorkflow, toGraph } from '../../../db/graphs/graphs.ts';
import { replaceGraph } from '../../../db/graphs/replace-graph.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { startTestApi } from '../../support/test-api.ts';
import { canvasOf, newMessage, newWorkflow, queryRows, storedBlock } from '../../support/stored-workflows.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
});
after(async () => {
  await db.destroy();
  await database.drop();
});

test('a snapshot does not make a workflow that no chat and no save would take', async () => {
  const workflow = await newWorkflow(db, { blocks: [], edges: [] });
  const blocks = Array.from({ length: 1_000 }, (_, n) => storedBlock(randomUUID(), 'code', `Step ${n}`));
  const add = (n: number) => ({ add_blocks: [storedBlock(randomUUID(), 'code', `More ${n}`)] });
  const apply = async (diff: unknown, canvas: Graph) =>
    applySnapshot(db, await newMessage(db, workflow.id, diff), canvasOf(canvas), (saved) => saved.version);
  await assert.rejects(apply(add(1), { blocks, edges: [] }), {
    code: 'GRAPH_BEYOND_LIMITS',
    message: /^With this change the workflow has 1001 blocks; a workflow has at most 1000$/,
  });
  assert.equal((await findWorkflow(db, workflow.id))!.version, workflow.version, 'nothing was stored');
  assert.equal(await apply(add(2), { blocks: blocks.slice(1), edges: [] }), workflow.version + 1);
});

test('a graph keeps unchanged rows, tiny coordinates, odd texts and the order of its blocks', async () => {
  const ids = Array.from({ length: 300 }, () => randomUUID());
  const graph: Graph = {
    blocks: ids.map((id, n) => ({
      ...storedBlock(id, n === 0 ? 'starter' : 'code', `Step ${n} "{,}" \\ 'x'`, {
        code: `{"a",\\}\n${n}`,
        language: null,
      }),
      position: { x: n === 1 ? 1e-60 : n / 3, y: -n },
      enabled: n % 2 === 0,
    })),
    edges: ids.slice(1).map((target) => ({ source: ids[0]!, target })),
  };
  const first = await newWorkflow(db, graph);
  assert.deepEqual(
    first.blocks.map((stored) => ({ ...stored, position: null })),
    graph.blocks.map((wanted) => ({ ...wanted, position: null })),
  );
  assert.deepEqual(first.blocks[1]!.position, { x: 0, y: -1 });
  assert.ok(first.blocks.every(({ position }, n) => Math.abs(position.x - n / 3) < 0.4));
  const times = () =>
    queryRows(db, 'select id, created_at::text from ai.workflow_blocks where workflow_id = ? order by id', [
      first.id,
    ]);
  const before = await times();
  const second = await db.transaction(async (trx) =>
    replaceGraph(trx, (await findWorkflow(trx, first.id, true))!, toGraph(first)),
  );
  assert.deepEqual(second.blocks, first.blocks);
  assert.deepEqual(second.edges, first.edges);
  assert.deepEqual(await times(), before);
});

test('what a change does not concern keeps every digit that the database has', async () => {
  const [start, other] = [randomUUID(), randomUUID()];
  const workflow = await newWorkflow(db, {
    blocks: [
      storedBlock(start, 'starter', 'Start', { input: {}, note: 1 }),
      storedBlock(other, 'code', 'Other', { n: 1 }),
    ],
    edges: [{ source: start, target: other }],
  });
  const exact = '{"f": 1.0, "n": 9007199254740993, "old": [0.12345678901234567890], "note": 1}';
  await db.raw('update ai.workflow_blocks set config = ?::jsonb where workflow_id = ?', [exact, workflow.id]);
  const configs = async () =>
    (
      await queryRows<{ config: string }>(
        db,
        'select config::text from ai.workflow_blocks where workflow_id = ? order by id = ? desc',
        [workflow.id, start],
      )
    ).map(({ config }) => config);
  const [before] = await configs();
  const target = await newMessage(db, workflow.id, {
    update_blocks: [{ id: start, config: { note: 2, old: null, more: 'x' } }],
  });
  const canvas = canvasOf(toGraph((await findWorkflow(db, workflow.id))!));
  await applySnapshot(db, target, canvas, ({ version }) => version);
  assert.deepEqual(await configs(), ['{"f": 1.0, "n": 9007199254740993, "more": "x", "note": 2}', before]);
  await revertSnapshot(db, target, ({ version }) => version);
  assert.deepEqual(
    (await configs()).map((text) => text.replace('0.12345678901234567890', '0.12345678901234568')),
    [before!, before!].map((text) => text.replace('0.12345678901234567890', '0.12345678901234568')),
  );
  assert.equal((await configs())[1], before);
  // A config that the platform stored as something else is written as a whole.
  await db.raw(`update ai.workflow_blocks set config = '[1]' where id = ?`, [start]);
  await db.raw(`update ai.workflow_blocks set config = 'null' where id = ?`, [other]);
  await db.transaction(async (trx) =>
    replaceGraph(trx, (await findWorkflow(trx, workflow.id, true))!, toGraph(workflow)),
  );
  assert.deepEqual(await configs(), ['{"note": 1, "input": {}}', '{"n": 1}']);
});

test('a change that the platform stored may leave out what has a default; one that makes no sense is a conflict', async () => {
  const start = randomUUID();
  const workflow = await newWorkflow(db, {
    blocks: [storedBlock(start, 'starter', 'Start', { input: {} })],
    edges: [],
  });
  const apply = async (diff: unknown) =>
    (await applySnapshot(
      db,
      await newMessage(db, workflow.id, diff),
      canvasOf(toGraph(workflow)),
      ({ version, blocks, edges }) => ({ version, blocks, edges }),
    )) as Pick<StoredWorkflow, 'version' | 'blocks' | 'edges'>;
  const added = await apply({
    add_blocks: [{ id: 'new', type: 'code' }],
    add_edges: [{ source: 'Start', target: 'new', sourceHandle: null }],
    update_blocks: [{ id: 'Start', name: 'Begin' }],
  });
  assert.deepEqual(
    added.blocks.map(({ name, position }) => [name, position]),
    [
      ['Begin', { x: 1, y: 2 }],
      ['new', { x: 0, y: 0 }],
    ],
  );
  assert.deepEqual(
    added.edges.map(({ source, target, condition }) => [source, target, condition]),
    [[start, added.blocks[1]!.id, null]],
  );
  for (const nothing of [{}, [], 'x', 7, { add_blocks: null }, { remove_blocks: [] }])
    assert.equal((await apply(nothing)).version, added.version, JSON.stringify(nothing));
  for (const broken of [
    { add_blocks: 'x' },
    { add_blocks: [{}] },
    { remove_blocks: [null] },
    { add_edges: [{ source: 'Start', target: null }] },
    { update_blocks: ['x'] },
  ])
    await assert.rejects(apply(broken), { code: 'DIFF_CONFLICT' }, JSON.stringify(broken));
});

test('rounding by the database makes no block of the canvas look moved', async () => {
  const [start, other] = [randomUUID(), randomUUID()];
  const odd = { x: 123.456789012, y: 0.1 + 0.2 };
  const graph: Graph = {
    blocks: [
      { ...storedBlock(start, 'starter', 'Start', { input: {} }), position: odd },
      { ...storedBlock(other, 'code', 'Other', { code: 'output = 1' }), position: odd },
    ],
    edges: [],
  };
  const workflow = await newWorkflow(db, graph);
  const target = await newMessage(db, workflow.id, {
    update_blocks: [{ id: start, config: { input: { a: 'x' } } }],
  });
  await applySnapshot(db, target, canvasOf(graph), () => ({}));
  const [kept] = await queryRows<{ before_graph: string; after_graph: string }>(
    db,
    'select before_graph, after_graph from ai.copilot_snapshots where message_id = ?',
    [target.messageId],
  );
  const positions = (text: string) => (JSON.parse(text) as Graph).blocks.map(({ position }) => position);
  assert.deepEqual(positions(kept!.before_graph), positions(kept!.after_graph));
});

test("the platform's rows without times or a version are readable", async () => {
  const [workflowId, sessionId, messageId] = [randomUUID(), randomUUID(), randomUUID()];
  await db.raw(
    `insert into ai.workflows (id, name, version, created_at, updated_at) values (?, 'Old', null, null, null)`,
    [workflowId],
  );
  await db.raw(
    'insert into ai.copilot_sessions (id, workflow_id, created_at, updated_at) values (?, ?, null, null)',
    [sessionId, workflowId],
  );
  await db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, created_at) values (?, ?, 'assistant', 'hi', null)`,
    [messageId, sessionId],
  );
  const api = await startTestApi({ databaseUrl: database.url });
  try {
    for (const path of [
      '/api/workflows?limit=200',
      `/api/workflows/${workflowId}`,
      `/api/copilot/sessions?workflow_id=${workflowId}`,
    ]) {
      assert.equal((await fetch(`${api.url}${path}`, { headers: api.headers })).status, 200, path);
    }
  } finally {
    await api.close();
  }
  const [message] = (await listMessages(db, sessionId, { limit: 10, before: null }))!;
  assert.deepEqual(
    [message!.id, message!.status, message!.turnId, message!.usage, message!.toolCalls],
    [messageId, 'complete', null, null, []],
  );
  assert.deepEqual(await listMessages(db, sessionId, { limit: 10, before: messageId }), []);
});
