/** The ledger against the provider's own books, while workers are killed at random. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { FakeRequest } from '../support/fake-provider.ts';
import { type ApiRole, type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { call, chat, newSession, upTo } from '../support/cluster-client.ts';
import { parseMetrics } from '../support/metrics-page.ts';

const TURNS = 24;
const BLOCKS = ['code', 'agent', 'split', 'condition'];
const STEPS = BLOCKS.length + 1;
const PIECES = upTo(12).map((n) => `w${n} `);
let cluster: Cluster;
let api: ApiRole;

before(async () => {
  cluster = await startCluster({
    script: ({ n, toolResults }) => ({
      text: PIECES,
      pieceMs: 25,
      // No two calls cost the same, so that a row tells which call it is of.
      usage: { input: 10_000 + n, output: 100 + n },
      // Some answers break off: what they cost is known to nobody but the provider.
      ...(n % 11 === 0 ? { cutAfter: 6 } : {}),
      ...(toolResults < STEPS - 1
        ? {
            toolCalls: [
              {
                name: 'get_block_info',
                arguments: { block_types: [BLOCKS[toolResults]] },
              },
            ],
          }
        : {}),
    }),
  });
  api = await cluster.startApi();
});
after(() => cluster.stop());

interface Row {
  turn_id: string;
  step: number;
  epoch: number;
  estimated: boolean;
  input_tokens: string;
  output_tokens: string;
  cost_usd: string | null;
}

test(`${TURNS} turns, a worker killed again and again: each call is billed once, and none is missing`, async () => {
  const workers: Role[] = [await cluster.startWorker(), await cluster.startWorker()];
  const readers = await Promise.all(
    upTo(TURNS).map(async (n) => {
      const session = await newSession(cluster, api);
      return chat(
        cluster,
        () => [api],
        session,
        { message: `Turn ${n}` },
        { 'Idempotency-Key': randomUUID() },
      );
    }),
  );
  let isOver = false;
  const ends = Promise.all(readers.map((reader) => reader.end(240_000))).finally(() => {
    isOver = true;
  });
  let kills = 0;
  const killing = (async () => {
    while (!isOver) {
      await delay(100 + Math.random() * 1_400);
      if (isOver) return;
      const at = Math.floor(Math.random() * workers.length);
      await workers[at]!.kill('SIGKILL');
      kills += 1;
      workers[at] = await cluster.startWorker();
    }
  })();
  const finished = await ends;
  await killing;
  assert.ok(kills > 0);

  const rows = await cluster.query<Row>(
    `select turn_id, step, epoch, estimated, input_tokens, output_tokens, cost_usd::text from ai.copilot_usage`,
    [],
  );
  const reported = rows.filter((row) => !row.estimated);
  const sent = cluster.fake.requests.filter((request) => request.sent !== null);
  const bySent = new Map(sent.map((request) => [request.sent!.input, request]));
  const messageOf = new Map(readers.map((reader, index) => [reader.turnId(), `Turn ${index + 1}`]));

  // Nothing is billed twice, and nothing that was not sent.
  assert.equal(new Set(reported.map((row) => row.input_tokens)).size, reported.length);
  for (const row of reported) {
    const request = bySent.get(Number(row.input_tokens));
    assert.ok(request, `no call cost ${row.input_tokens}`);
    assert.deepEqual(
      [request.message, request.toolResults + 1, String(request.sent!.output)],
      [messageOf.get(row.turn_id), row.step, row.output_tokens],
    );
  }
  // Each call has its row: reported, or, where its worker died before it could tell, noted as estimated.
  const rowsOf = (request: FakeRequest) =>
    rows.filter(
      (row) => messageOf.get(row.turn_id) === request.message && row.step === request.toolResults + 1,
    );
  const billed = new Set(reported.map((row) => Number(row.input_tokens)));
  const unheard = sent.filter((request) => !billed.has(request.sent!.input));
  for (const request of cluster.fake.requests) {
    const calls = cluster.fake.requests.filter(
      ({ message, toolResults }) => message === request.message && toolResults === request.toolResults,
    );
    const noted = rowsOf(request);
    assert.ok(
      noted.length >= calls.length,
      `${request.message}: ${calls.length} calls, ${noted.length} rows`,
    );
    // The usage is noted before the answer is: a worker that dies between both leaves a second paid answer behind.
    assert.ok(
      noted.some((row) => !row.estimated),
      `no answer of ${request.message} was reported`,
    );
  }
  const sum = (numbers: number[]): number => numbers.reduce((total, n) => total + n, 0);
  assert.equal(
    sum(reported.map((row) => Number(row.input_tokens))) +
      sum(unheard.map(({ sent: usage }) => usage!.input)),
    sum(sent.map(({ sent: usage }) => usage!.input)),
  );
  assert.ok(unheard.length <= kills * 4, `${unheard.length} answers died with ${kills} workers`);
  console.log(
    `${kills} kills, ${cluster.fake.requests.length} calls, ${sent.length} answered to the end, ${reported.length} reported, ${rows.length - reported.length} estimated, ${unheard.length} died between answer and commit`,
  );

  // What the readers and the operators are told is the same.
  for (const [index, end] of finished.entries()) {
    assert.equal(end.event, 'complete', JSON.stringify(end));
    const own = reported.filter((row) => row.turn_id === readers[index]!.turnId());
    const usage = end.usage as { calls: number; input_tokens: number };
    assert.deepEqual(
      [usage.calls, usage.input_tokens],
      [own.length, sum(own.map((row) => Number(row.input_tokens)))],
    );
  }
  const { body } = await call(cluster, api, 'GET', '/api/copilot/usage');
  const [model] = (body as { models: { calls: number; input_tokens: number; estimated_calls: number }[] })
    .models;
  assert.deepEqual(
    [model!.calls, model!.input_tokens, model!.estimated_calls],
    [reported.length, sum(reported.map((row) => Number(row.input_tokens))), rows.length - reported.length],
  );
  // The page of metrics has the same figures, however many workers were killed.
  const page = parseMetrics(await (await fetch(`${api.url}/metrics`)).text());
  assert.equal(page.sum('copilot_model_calls_total'), rows.length);
  for (const [kind, column] of [
    ['input', 'input_tokens'],
    ['output', 'output_tokens'],
  ] as const)
    assert.equal(
      page.sum('copilot_model_tokens_total', { kind }),
      sum(reported.map((row) => Number(row[column]))),
    );
  const dollars = sum(reported.map((row) => Number(row.cost_usd)));
  assert.ok(Math.abs(page.sum('copilot_model_cost_usd_total') - dollars) < 1e-9);
  assert.deepEqual(page.samples('copilot_turns_total'), {
    'outcome=complete': TURNS,
    'outcome=cancelled': 0,
    'outcome=failed': 0,
  });
  assert.deepEqual(page.samples('copilot_tool_calls_total'), {
    'tool=get_block_info,result=ok': TURNS * BLOCKS.length,
  });
  await Promise.all(workers.map((worker) => worker.kill('SIGTERM')));
});
