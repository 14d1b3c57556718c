/** Every read has a bound in rows and bytes, whatever stands in the tables: rows are written by SQL, as the platform may. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertSession, insertTurn, startTestApi, type TestApi } from '../../support/test-api.ts';

const ANSWER_BYTES = 4_000_000;
const MB = 1024 * 1024;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({ databaseUrl: database.url });
});
after(async () => {
  await api?.close();
  await database?.drop();
});

interface MessageWire extends Record<string, unknown> {
  id: string;
  content: string;
  pre_snapshot: unknown;
  tool_calls: { arguments: unknown; result: string }[];
}

async function get(path: string): Promise<{ status: number; bytes: number; text: string }> {
  const response = await fetch(`${api.url}${path}`, { headers: api.headers });
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  const text = await response.text();
  return { status: response.status, bytes: Buffer.byteLength(text), text };
}

async function getMessages(
  sessionId: string,
  query = '',
): Promise<{ bytes: number; messages: MessageWire[] }> {
  const { status, bytes, text } = await get(`/api/copilot/sessions/${sessionId}/messages${query}`);
  assert.equal(status, 200, text.slice(0, 200));
  return { bytes, messages: (JSON.parse(text) as { messages: MessageWire[] }).messages };
}

/** `count` messages of a new session, a second apart, with a snapshot of about `snapshotKb` each. */
async function insertMessages(count: number, snapshotKb: number, content = "'text'"): Promise<string> {
  const { sessionId } = await insertSession(api.db);
  await api.db.raw(
    `insert into ai.copilot_messages (id, session_id, role, content, pre_snapshot, created_at)
     select gen_random_uuid(), ?, case when n % 2 = 1 then 'user' else 'assistant' end, ${content},
       case when ? > 0 then jsonb_build_object('edges', '[]'::jsonb, 'nodes', jsonb_build_array(
         jsonb_build_object('id', n, 'config', repeat(md5(n::text), ? * 32)))) end,
       now() + make_interval(secs => n)
     from generate_series(1, ?) n`,
    [sessionId, snapshotKb, snapshotKb, count],
  );
  return sessionId;
}

test('snapshots are there from the newest on while they fit, and left out in the database beyond', async () => {
  const sessionId = await insertMessages(10, 900);
  const { bytes, messages } = await getMessages(sessionId);
  assert.ok(bytes < ANSWER_BYTES, `${bytes}`);
  assert.deepEqual(
    messages.map((message) => [message.pre_snapshot !== null, message.pre_snapshot_omitted]),
    [
      ...Array.from({ length: 6 }, () => [false, true]),
      ...Array.from({ length: 4 }, () => [true, undefined]),
    ],
  );
  const oldest = messages[0]!.id;
  const whole = await getMessages(sessionId, `?message=${oldest}`);
  assert.deepEqual(
    whole.messages.map(({ id, pre_snapshot_omitted: omitted }) => [id, omitted]),
    [[oldest, undefined]],
  );
  assert.equal((whole.messages[0]!.pre_snapshot as { nodes: { id: number }[] }).nodes[0]!.id, 1);
  // A page backwards counts for itself.
  const page = await getMessages(sessionId, `?limit=3&before=${messages[3]!.id}`);
  assert.deepEqual(
    page.messages.map(({ id, pre_snapshot: snapshot }) => [id, snapshot !== null]),
    messages.slice(0, 3).map(({ id }) => [id, true]),
  );
});

test('three readers of 25 snapshots of 6.5 MB take no memory to speak of', async () => {
  const sessionId = await insertMessages(25, 6_500);
  const baseline = process.memoryUsage.rss();
  let peak = baseline;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  const answers = await Promise.all([1, 2, 3].map(() => getMessages(sessionId)));
  clearInterval(watch);
  for (const { bytes, messages } of answers) {
    assert.ok(bytes < 100_000, `${bytes}`);
    assert.ok(messages.every((message) => message.pre_snapshot === null && message.pre_snapshot_omitted));
  }
  // Read whole, they would be 490 MB. The rest is what the process has not given back of the tests before.
  assert.ok(peak - baseline < 150 * MB, `${Math.round((peak - baseline) / MB)} MB`);
  const { messages } = await getMessages(sessionId, `?message=${answers[0]!.messages[24]!.id}`);
  assert.equal(JSON.stringify(messages[0]!.pre_snapshot).length > 6_000_000, true);
});

test('without a limit the newest 200, oldest first', async () => {
  const sessionId = await insertMessages(230, 0, 'n::text');
  const { messages } = await getMessages(sessionId);
  assert.deepEqual(
    messages.map(({ content }) => Number(content)),
    Array.from({ length: 200 }, (_, n) => n + 31),
  );
  assert.ok(messages.every((message) => !('pre_snapshot_omitted' in message)));
  const older = await getMessages(sessionId, `?before=${messages[0]!.id}`);
  assert.equal(older.messages.length, 30);
});

test('texts beyond the bound are cut, the newest last, and whole by id', async () => {
  // Each character takes six bytes as JSON.
  const sessionId = await insertMessages(200, 40, `repeat(chr(1), 32000)`);
  const { bytes, messages } = await getMessages(sessionId);
  assert.ok(bytes < ANSWER_BYTES, `${bytes}`);
  assert.equal(messages.length, 200);
  assert.ok(!('content_truncated' in messages[199]!) && messages[199]!.content.length === 32_000);
  assert.ok(messages[0]!.content_truncated === true && messages[0]!.content.length === 200);
  assert.ok(messages[199]!.pre_snapshot !== null, 'the newest snapshots still have room');
  const { messages: whole } = await getMessages(sessionId, `?message=${messages[0]!.id}`);
  assert.equal(whole[0]!.content.length, 32_000);
});

test('diffs and tool calls beyond the bound are left out, the newest last, and whole by id', async () => {
  const session = await insertSession(api.db);
  const count = 12;
  for (let n = 0; n < count; n += 1) {
    const turnId = await insertTurn(api.db, session, 'complete');
    await api.db.raw(
      `insert into ai.copilot_messages (id, session_id, role, content, workflow_diff, created_at)
       select message_id, session_id, 'assistant', 'done', '{"remove_blocks":["a"]}', now() + make_interval(secs => ?)
       from ai.copilot_turns where id = ?`,
      [n, turnId],
    );
    await api.db.raw(
      `insert into ai.copilot_transcript (turn_id, key, step, position, role, body)
       select ?::uuid, 'step:1', 1, 0, 'assistant', json_build_object('content', '', 'toolCalls',
         (select json_agg(json_build_object('callId', 'c' || c, 'name', 'get_db_schema', 'arguments', '{}')) from generate_series(1, 60) c))::text
       union all
       select ?::uuid, 'call:c' || c, 1, c, 'tool', json_build_object('callId', 'c' || c, 'content', repeat('r', 16000), 'isError', false)::text
       from generate_series(1, 60) c`,
      [turnId, turnId],
    );
  }
  const { bytes, messages } = await getMessages(session.sessionId);
  assert.ok(bytes < ANSWER_BYTES, `${bytes}`);
  const newest = messages[count - 1]!;
  assert.equal(newest.tool_calls.length, 60);
  assert.equal(newest.tool_calls[59]!.result.length, 16_000);
  assert.deepEqual(newest.workflow_diff, { remove_blocks: ['a'] });
  const {
    tool_calls: calls,
    workflow_diff: diff,
    workflow_diff_omitted: noDiff,
    tool_calls_omitted: noCalls,
  } = messages[0]!;
  assert.deepEqual([calls, diff, noDiff, noCalls], [[], null, true, true]);
  const { messages: whole } = await getMessages(session.sessionId, `?message=${messages[0]!.id}`);
  assert.equal(whole[0]!.tool_calls.length, 60);
  assert.ok(!('tool_calls_omitted' in whole[0]!));
});

test('an id that names no message of the session is a 404', async () => {
  const sessionId = await insertMessages(1, 0);
  const other = await insertMessages(1, 0);
  const [foreign] = (await getMessages(other)).messages;
  const texts = new Set<string>();
  for (const id of [foreign!.id, randomUUID(), 'x', '', '%00', `${foreign!.id}&message=${foreign!.id}`]) {
    const { status, text } = await get(`/api/copilot/sessions/${sessionId}/messages?message=${id}`);
    assert.equal(status, 404);
    texts.add(text);
  }
  assert.equal(texts.size, 1);
});

test('the list of workflows is bounded in rows and bytes', async () => {
  await api.db.raw(
    `insert into ai.workflows (id, name, description) select gen_random_uuid(), repeat('n', 255), repeat('d', 200000)
     from generate_series(1, 210)`,
  );
  const { bytes, text } = await get('/api/workflows?limit=200');
  assert.ok(bytes < 1_000_000, `${bytes}`);
  assert.equal((JSON.parse(text) as { workflows: unknown[] }).workflows.length, 200);
});

test('a graph that the platform made too large is a 413 that says so, and never loaded', async () => {
  const { workflowId } = await insertSession(api.db);
  await api.db.raw(
    `insert into ai.workflow_blocks (id, workflow_id, type, name, config)
     select gen_random_uuid(), ?, 'code', 'B' || n, jsonb_build_object('code', repeat(md5(n::text), 32000))
     from generate_series(1, 40) n`,
    [workflowId],
  );
  const { status, text } = await get(`/api/workflows/${workflowId}`);
  assert.equal(status, 413);
  assert.match(text, /16 MB/);
});

test('what the API stored it can read: numbers that the database writes out in full are refused', async () => {
  const { workflowId } = await insertSession(api.db);
  const put = (count: number) =>
    fetch(`${api.url}/api/workflows/${workflowId}/graph`, {
      method: 'PUT',
      headers: { ...api.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        blocks: [
          { id: randomUUID(), type: 'starter', name: 'Start', config: { input: Array(count).fill(1e300) } },
        ],
        edges: [],
      }),
    });
  const refused = await put(90_000);
  assert.equal(refused.status, 413);
  assert.match(((await refused.json()) as { error: string }).error, /16 MB/);
  assert.equal((await put(1_000)).status, 200);
  const { status, text } = await get(`/api/workflows/${workflowId}`);
  assert.equal(status, 200);
  const { blocks } = JSON.parse(text) as { blocks: { config: { input: number[] } }[] };
  assert.deepEqual(new Set(blocks[0]!.config.input), new Set([1e300]));
});

test('a canvas that the database writes out in full is refused, and the message stays as it was', async () => {
  const sessionId = await insertMessages(2, 0);
  const [, assistant] = (await getMessages(sessionId)).messages;
  const keep = (count: number) =>
    fetch(`${api.url}/api/copilot/sessions/${sessionId}/messages/${assistant!.id}/snapshot`, {
      method: 'POST',
      headers: { ...api.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        pre_snapshot: {
          nodes: [{ id: 'a', type: 'code', config: { x: Array(count).fill(1e300) } }],
          edges: [],
        },
      }),
    });
  const refused = await keep(90_000);
  assert.equal(refused.status, 413);
  assert.match(((await refused.json()) as { error: string }).error, /16 MB/);
  assert.equal((await getMessages(sessionId)).messages[1]!.pre_snapshot, null);
  assert.equal((await keep(1_000)).status, 200);
});

test('the bill is bounded in models, and says how many it left out', async () => {
  await api.db.raw(
    `insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens, output_tokens, reasoning_tokens)
     select gen_random_uuid(), gen_random_uuid(), 1, 1, 'model-' || n, 1, 0, 0, 0 from generate_series(1, 510) n`,
  );
  const { text } = await get('/api/copilot/usage');
  const { models, models_left_out: leftOut } = JSON.parse(text) as {
    models: unknown[];
    models_left_out: number;
  };
  assert.deepEqual([models.length, leftOut], [500, 10]);
});
