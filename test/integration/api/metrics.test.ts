/** The metrics page under load, against what the test itself counts, and who may read the page. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServiceCounts } from '../../../api/metrics/service-counts.ts';
import { foldCounts, readCounts } from '../../../db/counts/counts.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { DEFAULT_MODEL } from '../../../models/models.ts';
import { openGate } from '../../support/gate.ts';
import { parseMetrics } from '../../support/metrics-page.ts';
import { signToken, silentLogger } from '../../support/test-api.ts';
import { startTurnSystem, type FinishedStream, type TurnSystem } from '../../support/turn-system.ts';
import { untilValue } from '../../support/until.ts';

const TOKEN = 'a-token-for-scrapers';
let system: TurnSystem;
before(async () => {
  system = await startTurnSystem({
    COPILOT_METRICS_TOKEN: TOKEN,
    COPILOT_ALLOWED_ROLES: 'service_role,authenticated',
  });
});
after(() => system.close());

async function readPage() {
  const response = await fetch(`${system.url}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  return parseMetrics(await response.text());
}

const rate = {
  error: {
    status: 429,
    body: { error: { message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' } },
    headers: { 'retry-after-ms': '20' },
  },
};

test('before the first turn the page has the counts with zeros', async () => {
  const page = await readPage();
  assert.deepEqual(page.samples('copilot_turns_total'), {
    'outcome=complete': 0,
    'outcome=cancelled': 0,
    'outcome=failed': 0,
  });
  assert.equal(page.value('copilot_turns_running'), 0);
  assert.equal(page.value('copilot_model_calls_total', { model: DEFAULT_MODEL, result: 'ok' }), 0);
  for (const kind of ['input', 'cached', 'output', 'reasoning'])
    assert.equal(page.value('copilot_model_tokens_total', { model: DEFAULT_MODEL, kind }), 0, kind);
  assert.equal(page.value('copilot_streams_open'), 0);
  assert.equal(page.value('copilot_counts_up'), 1);
});

test('turns, calls, tokens and dollars are those that really were, read while turns run', async () => {
  const before = system.fake.requests.length;
  system.scripts.set('Tool', (step, n) =>
    step === 0
      ? {
          text: ['Looking.'],
          usage: { input: 1_000 + n, output: 50 },
          toolCalls: [
            { name: 'get_block_info', arguments: { block_types: ['agent'] } },
            { name: 'no_such_tool', arguments: {} },
          ],
        }
      : { text: ['Done.'], usage: { input: 2_000, output: 70 } },
  );
  system.scripts.set('Retry', (_, n) =>
    n === 1 ? rate : { text: ['Here.'], usage: { input: 7, output: 3 } },
  );
  system.scripts.set('Fail', () => ({
    error: {
      status: 401,
      body: { error: { message: 'no', type: 'invalid_request_error', code: 'invalid_api_key' } },
    },
  }));
  system.scripts.set('Stop', () => ({ text: ['One ', 'two ', 'three '], pieceMs: 200, stopAfter: 2 }));

  const messages = ['Tool', 'Retry', 'Fail', 'Stop'].flatMap((word) =>
    Array.from({ length: 6 }, (_, n) => `${word} ${n}`),
  );
  let isOver = false;
  const scrapes = (async () => {
    let last = 0;
    let mostStreams = 0;
    while (!isOver) {
      const page = await readPage();
      const ended = page.sum('copilot_turns_total');
      assert.ok(ended >= last, 'a counter fell');
      last = ended;
      mostStreams = Math.max(mostStreams, page.value('copilot_streams_open')!);
      await foldCounts(system.db);
    }
    return mostStreams;
  })();
  const ends = await Promise.all(
    messages.map(async (message) =>
      system.chat(await system.newSession(), { message }, async (event, turnId) => {
        if (message.startsWith('Stop') && event.event === 'content_delta')
          await system.call(
            'POST',
            `/api/copilot/sessions/${await sessionOf(turnId)}/turns/${turnId}/cancel`,
          );
      }),
    ),
  ).finally(() => (isOver = true));
  assert.ok((await scrapes) > 0, 'no stream was seen open');

  const requests = system.fake.requests.slice(before);
  const sent = requests.flatMap((request) => request.sent ?? []);
  // A cancelled turn ends before its model call is broken off. The duration of the call is observed then.
  const page = await untilValue(
    'every call is measured',
    readPage,
    (at) => at.sum('copilot_model_call_seconds_count') >= requests.length,
  );
  assert.deepEqual(page.samples('copilot_turns_total'), {
    'outcome=complete': 12,
    'outcome=cancelled': 6,
    'outcome=failed': 6,
  });
  assert.deepEqual(page.samples('copilot_turn_ends_total'), {
    'reason=done': 12,
    'reason=cancelled': 6,
    'reason=model_auth': 6,
  });
  const model = DEFAULT_MODEL;
  const calls = Object.entries(page.samples('copilot_model_calls_total')).filter(([, count]) => count > 0);
  assert.deepEqual(Object.fromEntries(calls), {
    [`model=${model},result=ok`]: sent.length,
    [`model=${model},result=model_rate_limited`]: 6,
    [`model=${model},result=model_auth`]: 6,
    [`model=${model},result=cancelled`]: 6,
  });
  assert.equal(page.sum('copilot_model_calls_total'), requests.length);
  const sumOf = (kind: 'input' | 'output') => sent.reduce((sum, usage) => sum + usage[kind], 0);
  assert.equal(page.value('copilot_model_tokens_total', { model, kind: 'input' }), sumOf('input'));
  assert.equal(page.value('copilot_model_tokens_total', { model, kind: 'output' }), sumOf('output'));
  const dollars = page.value('copilot_model_cost_usd_total', { model })!;
  assert.ok(Math.abs(dollars - costOf(ends)) < 1e-9, `${dollars} ${costOf(ends)}`);
  assert.deepEqual(page.samples('copilot_tool_calls_total'), {
    'tool=get_block_info,result=ok': 6,
    'tool=other,result=error': 6,
  });
  assert.equal(page.sum('copilot_tool_seconds_count'), 12);
  assert.equal(page.value('copilot_retries_total', { code: 'model_rate_limited' }), 6);
  assert.equal(
    page.value('copilot_first_token_seconds_count'),
    18,
    'once for each turn whose model began to answer',
  );
  assert.equal(page.sum('copilot_model_call_seconds_count'), requests.length);
  assert.ok(page.value('copilot_event_flush_seconds_count')! > 0);
  assert.equal(page.value('copilot_turns_running'), 0);
  assert.equal(page.value('copilot_events_pending'), 0);
  const route = '/api/copilot/sessions/:id/chat';
  assert.equal(page.value('copilot_http_requests_total', { method: 'POST', route, status: '200' }), 24);
});

test('a request that is refused before its handler counts for its route', async () => {
  const before = await readPage();
  const ask = async (path: string, init: RequestInit) => (await fetch(`${system.url}${path}`, init)).status;
  const authorization = `Bearer ${await signToken()}`;
  const json = { authorization, 'content-type': 'application/json' };
  const chat = '/api/copilot/sessions/1/chat';
  assert.equal(await ask(chat, { method: 'POST' }), 401);
  assert.equal(await ask(chat, { method: 'POST', headers: { authorization }, body: '{}' }), 415);
  assert.equal(await ask(chat, { method: 'POST', headers: json, body: '{' }), 400);
  assert.equal(await ask(chat, { method: 'DELETE', headers: json }), 405);
  assert.equal(await ask('/api/copilot/other', { headers: json }), 404);

  const after = await readPage();
  const grew = (route: string, method: string, status: string): number => {
    const labels = { route, method, status };
    const name = 'copilot_http_requests_total';
    return after.value(name, labels)! - (before.value(name, labels) ?? 0);
  };
  const route = '/api/copilot/sessions/:id/chat';
  for (const status of ['401', '415', '400']) assert.equal(grew(route, 'POST', status), 1, status);
  assert.equal(grew(route, 'DELETE', '405'), 1);
  assert.equal(grew('none', 'GET', '404'), 1);
});

async function sessionOf(turnId: string): Promise<string> {
  const { rows } = await system.db.raw<{ rows: { session_id: string }[] }>(
    'select session_id from ai.copilot_turns where id = ?',
    [turnId],
  );
  return rows[0]!.session_id;
}

function costOf(ends: readonly FinishedStream[]): number {
  return ends
    .flatMap(({ end }) => (end.usage as { cost_usd: string | null } | undefined)?.cost_usd ?? [])
    .reduce((sum, cost) => sum + Number(cost), 0);
}

test('what is deleted stays counted, and a turn that is deleted while it runs has ended as cancelled', async () => {
  const before = await readPage();
  system.scripts.set('Long', () => ({ text: ['One ', 'two ', 'three '], pieceMs: 300, stopAfter: 2 }));
  const session = await system.newSession();
  const turn = system.chat(session, { message: 'Long' }, async (event) => {
    if (event.event !== 'content_delta') return;
    assert.equal((await readPage()).value('copilot_turns_running'), 1);
    await system.db.raw('delete from ai.copilot_sessions where id = ?', [session.id]);
  });
  await turn;
  await system.db.raw('delete from ai.copilot_sessions');
  const after = await readPage();
  const grew = (name: string, labels: Record<string, string>): number =>
    after.value(name, labels)! - (before.value(name, labels) ?? 0);
  assert.equal(grew('copilot_turns_total', { outcome: 'cancelled' }), 1);
  assert.equal(grew('copilot_turns_total', { outcome: 'complete' }), 0);
  assert.equal(grew('copilot_turn_ends_total', { reason: 'deleted' }), 1);
  assert.equal(grew('copilot_model_calls_total', { model: DEFAULT_MODEL, result: 'cancelled' }), 1);
});

test('a late report adds its tokens, and its call is not counted again', async () => {
  const before = await readPage();
  const row = `(gen_random_uuid(), gen_random_uuid(), 1, 1, 'late', 0, 0, 0, 0, true, 'lost')`;
  await system.db.raw(
    `insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens,
       output_tokens, reasoning_tokens, estimated, result) values ${row}`,
  );
  await system.db.raw(
    `update ai.copilot_usage set estimated = false, input_tokens = 9, cached_tokens = 4, output_tokens = 3,
       reasoning_tokens = 2, cost_usd = 0.25 where model = 'late'`,
  );
  const page = await readPage();
  assert.deepEqual(before.value('copilot_model_calls_total', { model: 'late', result: 'lost' }), null);
  assert.equal(page.sum('copilot_model_calls_total', { model: 'late' }), 1);
  for (const [kind, tokens] of [
    ['input', 9],
    ['cached', 4],
    ['output', 3],
    ['reasoning', 2],
  ] as const)
    assert.equal(page.value('copilot_model_tokens_total', { model: 'late', kind }), tokens);
  assert.equal(page.value('copilot_model_cost_usd_total', { model: 'late' }), 0.25);
});

test('processes that fold at the same time as others count lose nothing', async () => {
  const total = 400;
  const count = async (): Promise<void> => {
    for (let n = 0; n < total / 8; n += 1)
      await system.db.raw(
        `insert into ai.copilot_count_changes (name, labels, value) values ('test', array['a'], 1), ('test', array['b'], 2)`,
      );
  };
  let isOver = false;
  let last = 0;
  const fold = async (): Promise<void> => {
    while (!isOver) await foldCounts(system.db);
  };
  const watch = async (): Promise<void> => {
    while (!isOver) {
      const found = (await readCounts(system.db)).find(
        ({ name, labels }) => name === 'test' && labels[0] === 'a',
      );
      assert.ok((found?.value ?? 0) >= last, 'a count fell');
      last = found?.value ?? 0;
    }
  };
  const others = [fold(), fold(), watch()];
  await Promise.all(Array.from({ length: 8 }, count));
  isOver = true;
  await Promise.all(others);
  await foldCounts(system.db);
  const { rows } = await system.db.raw<{ rows: unknown[] }>('select 1 from ai.copilot_count_changes');
  assert.equal(rows.length, 0);
  const counts = (await readCounts(system.db)).filter(({ name }) => name === 'test');
  assert.deepEqual(
    new Map(counts.map(({ labels, value }) => [labels[0], value])),
    new Map([
      ['a', total],
      ['b', 2 * total],
    ]),
  );
});

test('while Postgres is away the page shows the last known figures and says so', async () => {
  const gate = await openGate(process.env.COPILOT_TEST_DATABASE_URL!);
  const { rows } = await system.db.raw<{ rows: { name: string }[] }>('select current_database() as name');
  const url = new URL(gate.through(process.env.COPILOT_TEST_DATABASE_URL!));
  url.pathname = `/${rows[0]!.name}`;
  const db = createKnex({ databaseUrl: url.href, applicationName: 'test', poolMax: 2 });
  const counts = createServiceCounts({ db, models: [], logger: silentLogger });
  try {
    await gate.shut();
    const unknown = parseMetrics(await counts.page());
    assert.deepEqual([...unknown.types.keys()], ['copilot_counts_up']);
    await gate.open();
    const known = await untilValue(
      'the figures come back',
      async () => parseMetrics(await counts.page()),
      (at) => at.value('copilot_counts_up') === 1,
      { limitMs: 20_000 },
    );
    assert.ok(known.value('copilot_turns_total', { outcome: 'complete' })! >= 12);
    await gate.shut();
    const later = parseMetrics(await counts.page());
    assert.equal(later.value('copilot_counts_up'), 0);
    assert.deepEqual(later.samples('copilot_turns_total'), known.samples('copilot_turns_total'));
  } finally {
    counts.close();
    await db.destroy();
    await gate.shut();
  }
});

test('the page is open to this machine; others need the metrics token or a service token', async () => {
  const statusOf = async (headers: Record<string, string>): Promise<number> => {
    const response = await fetch(`${system.url}/metrics`, { headers });
    await response.text();
    return response.status;
  };
  const elsewhere = { 'X-Forwarded-For': '127.0.0.1' };
  const bearer = (token: string) => ({ ...elsewhere, Authorization: `Bearer ${token}` });
  assert.equal(await statusOf({}), 200);
  assert.equal(await statusOf({ Authorization: 'Bearer wrong' }), 200);
  assert.equal(await statusOf(elsewhere), 401);
  assert.equal(await statusOf(bearer('wrong')), 401);
  assert.equal(await statusOf(bearer(TOKEN)), 200);
  assert.equal(await statusOf(bearer(await signToken())), 200);
  assert.equal(await statusOf({ ...elsewhere, apikey: await signToken() }), 200);
  assert.equal(await statusOf(bearer(await signToken({ role: 'authenticated', sub: 'ann' }))), 403);
  assert.equal(await statusOf(bearer(await signToken({ role: 'anon' }))), 403);
  // The metrics token opens nothing else.
  const other = await fetch(`${system.url}/api/copilot/usage`, { headers: bearer(TOKEN) });
  assert.equal(other.status, 401);
});
