/** The list of a workflow's sessions, over HTTP on a real Postgres. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertTurn, signToken, startTestApi, type TestApi } from '../../support/test-api.ts';

interface Listed {
  id: string;
  workflow_id: string;
  title: string | null;
  messages: number;
  created_at: string;
  updated_at: string;
  active_turn_id: string | null;
}

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    config: { allowedRoles: ['service_role', 'authenticated'] },
  });
});
after(async () => {
  await api?.close();
  await database?.drop();
});

async function newWorkflow(): Promise<string> {
  const id = randomUUID();
  await api.db.raw(`insert into ai.workflows (id, name) values (?, 'Test')`, [id]);
  return id;
}

/** A session of that time; null: without one, as the platform may have it. */
async function newSession(workflowId: string, at: string | null, owner: string | null = null) {
  const id = randomUUID();
  await api.db.raw(
    'insert into ai.copilot_sessions (id, workflow_id, owner_sub, created_at, updated_at) values (?, ?, ?, ?, ?)',
    [id, workflowId, owner, at, at],
  );
  return id;
}

async function say(sessionId: string, contents: string[]): Promise<void> {
  for (const [index, content] of contents.entries())
    await api.db.raw(
      `insert into ai.copilot_messages (id, session_id, role, content, created_at)
       values (gen_random_uuid(), ?, ?, ?, timestamptz '2026-01-01' + ? * interval '1 second')`,
      [sessionId, index % 2 === 0 ? 'user' : 'assistant', content, index],
    );
}

async function list(workflowId: string, query = '', headers = api.headers) {
  const response = await fetch(`${api.url}/api/workflows/${workflowId}/sessions${query}`, { headers });
  const body = (await response.json()) as { sessions: Listed[]; error: string };
  return { status: response.status, body, ids: (body.sessions ?? []).map(({ id }) => id) };
}

test('a session is listed with its title, its messages and the turn that runs', async () => {
  const workflowId = await newWorkflow();
  const silent = await newSession(workflowId, '2026-01-01T00:00:00Z');
  const busy = await newSession(workflowId, '2026-01-02T00:00:00Z');
  await say(busy, [`${'😀'.repeat(79)}éx and more`, 'Fine.', 'Thanks']);
  const turnId = await insertTurn(api.db, { sessionId: busy, workflowId });
  const { status, body } = await list(workflowId);
  assert.equal(status, 200);
  assert.deepEqual(body, {
    sessions: [
      {
        id: busy,
        workflow_id: workflowId,
        created_at: '2026-01-02T00:00:00.000Z',
        updated_at: '2026-01-02T00:00:00.000Z',
        active_turn_id: turnId,
        title: `${'😀'.repeat(79)}é`,
        messages: 3,
      },
      {
        id: silent,
        workflow_id: workflowId,
        created_at: '2026-01-01T00:00:00.000Z',
        updated_at: '2026-01-01T00:00:00.000Z',
        active_turn_id: null,
        title: null,
        messages: 0,
      },
    ],
  });
});

test('pages hold every session once, newest first, equal times and none included', async () => {
  const workflowId = await newWorkflow();
  await newSession(await newWorkflow(), '2026-01-09T00:00:00Z');
  const times = [
    null,
    null,
    ...Array.from({ length: 9 }, (_, index) => `2026-01-0${(index % 4) + 1}T00:00:00Z`),
  ];
  const made: { id: string; at: string | null }[] = [];
  for (const at of times) made.push({ id: await newSession(workflowId, at), at });
  const expected = made
    .toSorted((a, b) => (b.at ?? '').localeCompare(a.at ?? '') || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
  assert.deepEqual((await list(workflowId)).ids, expected);
  assert.deepEqual(await list(workflowId, `?before=${expected.at(-1)!}`), {
    status: 200,
    body: { sessions: [] },
    ids: [],
  });
  for (const limit of [1, 2, 3, 5]) {
    const seen: string[] = [];
    for (let page = await list(workflowId, `?limit=${limit}`); page.ids.length > 0; ) {
      assert.ok(page.ids.length <= limit);
      seen.push(...page.ids);
      page = await list(workflowId, `?limit=${limit}&before=${seen.at(-1)!}`);
    }
    assert.deepEqual(seen, expected, `limit ${limit}`);
  }
});

test('a user sees its own sessions, and can not tell a foreign cursor from an unknown one', async () => {
  const workflowId = await newWorkflow();
  const own = await newSession(workflowId, '2026-01-01T00:00:00Z', 'ann');
  const foreign = await newSession(workflowId, '2026-01-02T00:00:00Z', 'bob');
  const service = await newSession(workflowId, '2026-01-03T00:00:00Z');
  const headers = { Authorization: `Bearer ${await signToken({ role: 'authenticated', sub: 'ann' })}` };
  assert.deepEqual((await list(workflowId, '', headers)).ids, [own]);
  assert.deepEqual((await list(workflowId)).ids, [service, foreign, own]);
  const unknown = await list(workflowId, `?before=${randomUUID()}`, headers);
  assert.deepEqual(
    [unknown.status, unknown.body.error],
    [400, 'before must be the id of a session of this workflow'],
  );
  for (const before of [foreign, service, 'x', '', `${own}&before=${own}`])
    assert.deepEqual(await list(workflowId, `?before=${before}`, headers), unknown);
});

test('limits are those of the contract, and an unknown workflow is a 404 whatever the query', async () => {
  const workflowId = await newWorkflow();
  for (const limit of ['0', '201', '-1', 'x', '', '1&limit=2']) {
    const { status, body } = await list(workflowId, `?limit=${limit}`);
    assert.deepEqual([status, body.error], [400, 'limit must be a whole number from 1 to 200'], limit);
  }
  assert.equal((await list(workflowId, '?limit=200')).status, 200);
  for (const id of [randomUUID(), 'x', '%00'])
    assert.deepEqual(
      [(await list(id, '?limit=0')).status, (await list(id)).body.error],
      [404, 'No workflow exists with the given ID'],
    );
});

test('a page of a workflow with many sessions reads what it holds', async () => {
  const workflowId = await newWorkflow();
  await api.db.raw(
    `insert into ai.copilot_sessions (id, workflow_id, created_at, updated_at)
     select gen_random_uuid(), ?, timestamptz '2026-01-01' + n * interval '1 minute', now() from generate_series(1, 5000) n`,
    [workflowId],
  );
  await api.db.raw('analyze ai.copilot_sessions');
  const statements: { sql: string; bindings: unknown[] }[] = [];
  const record = (query: { sql: string; bindings: unknown[] }) => void statements.push(query);
  api.db.on('query', record);
  const first = await list(workflowId, '?limit=50');
  await list(workflowId, `?limit=50&before=${first.ids[49]!}`);
  api.db.off('query', record);
  const pages = statements.filter(({ sql }) => sql.includes('ai.copilot_sessions'));
  assert.equal(pages.length, 2, 'the cursor and its page are of one moment');
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const { sql, bindings } of pages) {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (analyze, format json) ${sql}`,
      bindings,
    );
    const scans = scansOf(rows[0]!['QUERY PLAN'][0].Plan);
    assert.ok(scans.length > 0);
    for (const scan of scans) {
      assert.match(scan['Node Type'], /^Index/);
      assert.ok(scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0) <= 60, JSON.stringify(scan));
    }
  }
  await client.end();
});

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

/** The nodes that read the table of sessions. */
function scansOf(plan: Plan): Plan[] {
  const below = (plan.Plans ?? []).flatMap(scansOf);
  return plan['Relation Name'] === 'copilot_sessions' ? [plan, ...below] : below;
}
