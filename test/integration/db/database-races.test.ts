/** What happens to requests, migrations and pools when something else is going on in the same database. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { listMessages } from '../../../db/sessions/messages.ts';
import { migrateDatabase, migrationsCurrent, rollbackDatabase } from '../../../db/schema/migrate.ts';
import { isConnectionError } from '../../../db/connection/pg-errors.ts';
import { createPool } from '../../../db/connection/pg-pool.ts';
import { seedSampleProject } from '../../../db/schema/seed.ts';
import { createSession, deleteSession } from '../../../db/sessions/sessions.ts';
import { applySnapshot, revertSnapshot } from '../../../db/sessions/snapshots.ts';
import { endTurn } from '../../../db/turns/end-turn.ts';
import { insertStartingTurn } from '../../../db/turns/turn.ts';
import { createWorkflow, findWorkflow, type StoredWorkflow, toGraph } from '../../../db/graphs/graphs.ts';
import { replaceGraph } from '../../../db/graphs/replace-graph.ts';
import { checkGraph } from '../../../domain/rules/check-graph.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import {
  insertSession,
  insertTurn,
  signToken,
  silentLogger as logger,
  startTestApi,
} from '../../support/test-api.ts';

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

const rowsOf = async <T>(sql: string, bindings: unknown[] = [], on: Knex = db): Promise<T[]> =>
  (await on.raw<{ rows: T[] }>(sql, bindings as Knex.RawBinding[])).rows;

/** Waits until so many statements of the database wait for a lock. */
async function untilBlocked(count: number, on: Knex = db): Promise<void> {
  for (const until = Date.now() + 10_000; ; ) {
    const [row] = await rowsOf<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      [],
      on,
    );
    if (row!.n >= count) return;
    if (Date.now() > until) throw new Error(`${row!.n} of ${count} connections wait for a lock`);
    await delay(5);
  }
}

const block = (id: string, type: string, name: string, config = {}) => ({
  id,
  type,
  name,
  position: { x: 1, y: 2 },
  config,
  enabled: true,
});

async function newWorkflow(graph: Graph): Promise<StoredWorkflow> {
  const { id } = await createWorkflow(db, { name: 'Flow' });
  return db.transaction(async (trx) => replaceGraph(trx, (await findWorkflow(trx, id, true))!, graph));
}

/** A finished turn's assistant message with a diff. */
async function newMessage(workflowId: string, diff: unknown) {
  const session = (await createSession(db, { workflowId, ownerSub: null }))!;
  const messageId = randomUUID();
  await db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff) values (?, ?, 'assistant', 'done', ?::jsonb)`,
    [messageId, session.id, JSON.stringify(diff)],
  );
  return { sessionId: session.id, workflowId, messageId };
}

const canvasOf = (graph: Graph) => ({
  graph,
  enabledGiven: new Set<string>(),
  raw: { nodes: [], edges: [] },
});

const startingTurn = (sessionId: string) => ({
  id: randomUUID(),
  sessionId,
  workflowId: randomUUID(),
  userMessageId: randomUUID(),
  messageId: randomUUID(),
  idempotencyKey: 'key',
  message: 'hi',
  model: 'demo',
  graph: '{}',
});

test('an idempotency key makes one turn however many use it at once', async () => {
  const { sessionId } = await insertSession(db);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => insertStartingTurn(db, startingTurn(sessionId))),
  );
  assert.equal(new Set(answers.map((answer) => answer?.turn.id)).size, 1);
  assert.equal(answers.filter((answer) => answer?.created).length, 1);
});

test('a workflow or session that is deleted while something is put into it is simply not there', async () => {
  const workflow = await newWorkflow({ blocks: [], edges: [] });
  const { sessionId } = await insertSession(db);
  const message = await newMessage((await newWorkflow({ blocks: [], edges: [] })).id, null);
  const trx = await db.transaction();
  await trx.raw('delete from ai.workflows where id = ?', [workflow.id]);
  await trx.raw('delete from ai.copilot_sessions where id = any(?::uuid[])', [
    [sessionId, message.sessionId],
  ]);
  const answers = Promise.all([
    createSession(db, { workflowId: workflow.id, ownerSub: null }),
    insertStartingTurn(db, startingTurn(sessionId)),
    applySnapshot(db, message, canvasOf({ blocks: [], edges: [] }), () => ({})),
  ]);
  await untilBlocked(3);
  await trx.commit();
  assert.deepEqual(await answers, [null, null, null]);
});

test('deleting a session outlives a turn that ends at the same moment and locks in the other order', async () => {
  const session = await insertSession(db);
  const turnId = await insertTurn(db, session);
  const turn = await db.transaction();
  await turn.raw('select 1 from ai.copilot_turns where id = ? for update', [turnId]);
  const deleted = deleteSession(db, session.sessionId);
  await untilBlocked(1);
  // endTurn's next statement, which needs the session that the delete holds: Postgres ends one of the two.
  const ending = turn
    .raw(
      `insert into ai.copilot_messages (id, session_id, role, content) values (gen_random_uuid(), ?, 'assistant', '')`,
      [session.sessionId],
    )
    .then(
      () => turn.commit(),
      () => turn.rollback(),
    );
  await ending;
  assert.equal(await deleted, true);
  assert.deepEqual(await rowsOf('select 1 from ai.copilot_turns where id = ?', [turnId]), []);
  await assert.rejects(
    endTurn(db, { turnId, steps: 1, outcome: { kind: 'complete', stopReason: 'done' }, diff: () => null }),
    { code: 'TURN_GONE' },
  );
});

test('a snapshot sent by several clients at once is applied once and answers all of them alike', async () => {
  const start = randomUUID();
  const workflow = await newWorkflow({
    blocks: [block(start, 'starter', 'Start', { input: {} })],
    edges: [],
  });
  const target = await newMessage(workflow.id, {
    update_blocks: [{ id: 'Start', config: { input: { a: 'x' } } }],
  });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      applySnapshot(db, target, canvasOf(toGraph(workflow)), ({ version, blocks }) => ({ version, blocks })),
    ),
  );
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  const [saved] = answers as { version: number; blocks: Graph['blocks'] }[];
  assert.deepEqual([saved!.version, saved!.blocks[0]!.config], [workflow.version + 1, { input: { a: 'x' } }]);
  assert.equal((await findWorkflow(db, workflow.id))!.version, workflow.version + 1);
});

test('a snapshot does not make a workflow that no chat and no save would take', async () => {
  const workflow = await newWorkflow({ blocks: [], edges: [] });
  const blocks = Array.from({ length: 1_000 }, (_, n) => block(randomUUID(), 'code', `Step ${n}`));
  const add = (n: number) => ({ add_blocks: [block(randomUUID(), 'code', `More ${n}`)] });
  const apply = async (diff: unknown, canvas: Graph) =>
    applySnapshot(db, await newMessage(workflow.id, diff), canvasOf(canvas), (saved) => saved.version);
  await assert.rejects(apply(add(1), { blocks, edges: [] }), {
    code: 'GRAPH_BEYOND_LIMITS',
    message: /^With this change the workflow has 1001 blocks; a workflow has at most 1000$/,
  });
  assert.equal((await findWorkflow(db, workflow.id))!.version, workflow.version, 'nothing was stored');
  assert.equal(await apply(add(2), { blocks: blocks.slice(1), edges: [] }), workflow.version + 1);
});

test('a reader never sees the blocks of one version with the edges of another', async () => {
  const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];
  const graphs: Graph[] = [
    { blocks: [block(a, 'starter', 'A'), block(b, 'code', 'B')], edges: [{ source: a, target: b }] },
    { blocks: [block(a, 'starter', 'A'), block(c, 'code', 'C')], edges: [{ source: a, target: c }] },
  ];
  const { id } = await newWorkflow(graphs[0]!);
  let writing = true;
  const writer = (async () => {
    for (let n = 1; n <= 60; n += 1) {
      await db.transaction(async (trx) =>
        replaceGraph(trx, (await findWorkflow(trx, id, true))!, graphs[n % 2]!),
      );
    }
    writing = false;
  })();
  while (writing) {
    const { blocks, edges } = (await findWorkflow(db, id))!;
    assert.deepEqual(
      edges.map(({ target }) => target),
      [blocks.find(({ type }) => type === 'code')!.id],
    );
  }
  await writer;
});

test('two saves with the same version: the second one finds it stale', async () => {
  const api = await startTestApi({ databaseUrl: database.url });
  try {
    const workflow = await newWorkflow({ blocks: [], edges: [] });
    const send = (method: string, path: string, body?: unknown) =>
      fetch(`${api.url}${path}`, {
        method,
        headers: { ...api.headers, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const saves = await Promise.all(
      [1, 2, 3, 4].map(() =>
        send('PUT', `/api/workflows/${workflow.id}/graph`, {
          blocks: [],
          edges: [],
          version: workflow.version,
        }),
      ),
    );
    assert.deepEqual(
      saves.map(({ status }) => status).sort((a, b) => a - b),
      [200, 409, 409, 409],
    );

    // A user's token may use the platform endpoints like the service's.
    const anonymous = await fetch(`${api.url}/api/workflows`);
    assert.equal(anonymous.status, 401);
    const user = await fetch(`${api.url}/api/workflows`, {
      headers: { Authorization: `Bearer ${await signToken({ role: 'authenticated', sub: 'ann' })}` },
    });
    assert.equal(user.status, 403, 'unless the configuration lets it in');
  } finally {
    await api.close();
  }
});

test('a graph keeps unchanged rows, tiny coordinates, odd texts and the order of its blocks', async () => {
  const ids = Array.from({ length: 300 }, () => randomUUID());
  const graph: Graph = {
    blocks: ids.map((id, n) => ({
      ...block(id, n === 0 ? 'starter' : 'code', `Step ${n} "{,}" \\ 'x'`, {
        code: `{"a",\\}\n${n}`,
        language: null,
      }),
      position: { x: n === 1 ? 1e-60 : n / 3, y: -n },
      enabled: n % 2 === 0,
    })),
    edges: ids.slice(1).map((target) => ({ source: ids[0]!, target })),
  };
  const first = await newWorkflow(graph);
  assert.deepEqual(
    first.blocks.map((stored) => ({ ...stored, position: null })),
    graph.blocks.map((wanted) => ({ ...wanted, position: null })),
  );
  assert.deepEqual(first.blocks[1]!.position, { x: 0, y: -1 });
  assert.ok(first.blocks.every(({ position }, n) => Math.abs(position.x - n / 3) < 0.4));
  const times = () =>
    rowsOf('select id, created_at::text from ai.workflow_blocks where workflow_id = ? order by id', [
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
  const workflow = await newWorkflow({
    blocks: [
      block(start, 'starter', 'Start', { input: {}, note: 1 }),
      block(other, 'code', 'Other', { n: 1 }),
    ],
    edges: [{ source: start, target: other }],
  });
  const exact = '{"f": 1.0, "n": 9007199254740993, "old": [0.12345678901234567890], "note": 1}';
  await db.raw('update ai.workflow_blocks set config = ?::jsonb where workflow_id = ?', [exact, workflow.id]);
  const configs = async () =>
    (
      await rowsOf<{ config: string }>(
        'select config::text from ai.workflow_blocks where workflow_id = ? order by id = ? desc',
        [workflow.id, start],
      )
    ).map(({ config }) => config);
  const [before] = await configs();
  const target = await newMessage(workflow.id, {
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
  const workflow = await newWorkflow({
    blocks: [block(start, 'starter', 'Start', { input: {} })],
    edges: [],
  });
  const apply = async (diff: unknown) =>
    (await applySnapshot(
      db,
      await newMessage(workflow.id, diff),
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
      { ...block(start, 'starter', 'Start', { input: {} }), position: odd },
      { ...block(other, 'code', 'Other', { code: 'output = 1' }), position: odd },
    ],
    edges: [],
  };
  const workflow = await newWorkflow(graph);
  const target = await newMessage(workflow.id, {
    update_blocks: [{ id: start, config: { input: { a: 'x' } } }],
  });
  await applySnapshot(db, target, canvasOf(graph), () => ({}));
  const [kept] = await rowsOf<{ before_graph: string; after_graph: string }>(
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

test('connections that the server ends are replaced; a server that is away fails within seconds', async () => {
  const pool = createKnex({ databaseUrl: database.url, applicationName: 'test-pool', poolMax: 4 });
  await Promise.all([1, 2, 3, 4].map(() => pool.raw('select pg_sleep(0.05)')));
  await db.raw(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'test-pool'`,
  );
  // What was idle is thrown away when it is noticed; a statement that still met it says that the server went away.
  for (let n = 0; n < 8; n += 1) {
    await pool.raw('select 1').catch((error: unknown) => assert.ok(isConnectionError(error), String(error)));
  }
  await pool.raw('select 1');
  await pool.destroy();

  const away = createKnex({ databaseUrl: 'postgres://nobody@127.0.0.1:1/x', applicationName: 'test' });
  const before = Date.now();
  await assert.rejects((async () => away.raw('select 1'))(), (error) => isConnectionError(error));
  assert.ok(Date.now() - before < 4_000);
  await away.destroy();
});

test('a process that is killed in the middle of its migrations leaves nothing that stops the next one', async () => {
  const own = await createTestDatabase({ empty: true });
  const other = createKnex({ databaseUrl: own.url, applicationName: 'test', poolMax: 3 });
  const holder = await other.transaction();
  try {
    // The platform's table is held, so that the migrations stop half way.
    await other.raw(`create schema ai; create table ai.workflows (id uuid primary key, name text not null)`);
    await holder.raw('lock table ai.workflows in access exclusive mode');
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `const { migrateDatabase } = await import(${JSON.stringify(import.meta.resolve('../../../db/schema/migrate.ts'))});
         await migrateDatabase({ databaseUrl: ${JSON.stringify(own.url)}, logger: { info() {}, warn() {} } });`,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    await untilBlocked(1, other);
    child.kill('SIGKILL');
    assert.equal(await ended, 'SIGKILL');
    assert.deepEqual(await rowsOf('select 1 from ai.copilot_migrations', [], other), []);
    await holder.rollback();
    // What a migration that can't run in a transaction would have left.
    await other.raw('update ai.copilot_migrations_lock set is_locked = 1');
    await migrateDatabase({ databaseUrl: own.url, logger });
    assert.equal(await migrationsCurrent(other), true);
  } finally {
    if (!holder.isCompleted()) await holder.rollback();
    await other.destroy();
    await own.drop();
  }
});

test('an adopted table gets the columns it lacks and keeps its rows; one that is something else is named', async () => {
  const own = await createTestDatabase({ empty: true });
  const adopted = createKnex({ databaseUrl: own.url, applicationName: 'test', poolMax: 1 });
  try {
    await adopted.raw(`
      create schema ai;
      create table ai.agents (id uuid primary key, name text not null, model text);
      insert into ai.agents values ('11111111-1111-4111-8111-111111111111', 'Theirs', 'gpt-4o');
    `);
    await migrateDatabase({ databaseUrl: own.url, logger });
    const [agent] = await rowsOf<Record<string, unknown>>(
      'select id, name, model, system_prompt, settings from ai.agents',
      [],
      adopted,
    );
    assert.deepEqual(agent, {
      id: '11111111-1111-4111-8111-111111111111',
      name: 'Theirs',
      model: 'gpt-4o',
      system_prompt: null,
      settings: {},
    });
    await rollbackDatabase({ databaseUrl: own.url });
    assert.equal((await rowsOf('select 1 from ai.agents', [], adopted)).length, 1);

    await adopted.raw('drop schema ai cascade; create schema ai; create table ai.workflows (key text)');
    await assert.rejects(migrateDatabase({ databaseUrl: own.url, logger }), /ai\.workflows .* no column id/);
  } finally {
    await adopted.destroy();
    await own.drop();
  }
});

test('the sample workflows are without fault, and the shop has orders of last week', async () => {
  const own = await createTestDatabase();
  const shop = createKnex({ databaseUrl: own.url, applicationName: 'test', poolMax: 1 });
  try {
    const id = await seedSampleProject({ databaseUrl: own.url });
    assert.ok(id);
    const ids = await rowsOf<{ id: string }>('select id from ai.workflows', [], shop);
    for (const workflow of ids) {
      const graph = toGraph((await findWorkflow(shop, workflow.id))!);
      const faults = checkGraph(graph).filter(({ problem }) => problem.severity === 'error');
      assert.deepEqual(faults, []);
    }
    const [facts] = await rowsOf<Record<string, number | string>>(
      `select
         (select count(*)::int from public.orders where ordered_at >= date_trunc('week', now()) - interval '7 days'
            and ordered_at < date_trunc('week', now())) as last_week,
         (select count(*)::int from public.orders o where total <> (
            select sum(quantity * unit_price) from public.order_items i where i.order_id = o.id)) as wrong_totals,
         (select count(*)::int from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace) as keys,
         (select config ->> 'url' from ai.workflow_blocks where name = 'Fetch Rates') as url`,
      [],
      shop,
    );
    assert.ok(Number(facts!.last_week) > 0);
    assert.deepEqual(
      [facts!.wrong_totals, facts!.keys, facts!.url],
      [0, 2, 'https://rates.example.com/latest?base=EUR'],
    );
  } finally {
    await shop.destroy();
    await own.drop();
  }
});

test('a connection that the server ends while it is in use, between two queries, ends nothing else', async () => {
  const errors: unknown[] = [];
  const pool = createPool({ connectionString: database.url, max: 1 }, (error) => errors.push(error));
  const held = await pool.connect();
  const ended = new Promise((resolve) => held.once('end', resolve));
  const { rows } = await held.query<{ pid: number }>('select pg_backend_pid() as pid');
  await db.raw('select pg_terminate_backend(?)', [rows[0]!.pid]);
  // Without a listener of the pool's own, the process would end here.
  await ended;
  held.release();
  const next = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  assert.notEqual(next.rows[0]!.pid, rows[0]!.pid, 'the broken one has not come back');
  await pool.end();
  assert.deepEqual(errors, []);
});
