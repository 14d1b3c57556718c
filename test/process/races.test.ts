/** Two of everything at once, readers that do not read, and starts that fail half way. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiRole, type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { call, chat, newSession, seqs, upTo } from '../support/cluster-client.ts';
import { repeats } from '../support/repeats.ts';
import { until } from '../support/until.ts';

// Enough that what the process takes for itself is small beside what they would hold.
const STUCK = 60;
const STUCK_MS = repeats({ test: 10_000, soak: 60_000 });
const RACES = repeats({ test: 10, soak: 100 });
let cluster: Cluster;
let apis: ApiRole[];
let worker: Role;

before(async () => {
  cluster = await startCluster({
    script: ({ message }) =>
      message === 'Talk much'
        ? { text: upTo(4_000).map((n) => `${n} ${'x'.repeat(1_500)} `), pieceMs: 2 }
        : { text: ['Well', ' done'], firstByteMs: message === 'Wait' ? 300 : 20 },
  });
  const [first, second, third] = await Promise.all([
    cluster.startApi(),
    cluster.startApi(),
    cluster.startWorker(),
  ]);
  apis = [first, second];
  worker = third;
});
after(() => cluster.stop());

test(`two chats at once on one session: exactly one 200 and one 409, ${RACES} times, through two APIs`, async () => {
  const session = await newSession(cluster, apis[0]!);
  for (const round of upTo(RACES)) {
    const readers = apis.map((api) => chat(cluster, () => [api], session, { message: 'Wait' }));
    const ends = await Promise.allSettled(readers.map((reader) => reader.end()));
    assert.deepEqual(
      readers.map((reader) => reader.status()).sort((a, b) => a - b),
      [200, 409],
      `round ${round}`,
    );
    const winner = readers.findIndex((reader) => reader.status() === 200);
    assert.equal(ends[winner]!.status, 'fulfilled');
    assert.match(
      String((ends[1 - winner] as PromiseRejectedResult).reason),
      new RegExp(`turn_id":"${readers[winner]!.turnId()}`),
    );
  }
  const [turns] = await cluster.query<{ n: number }>(
    'select count(*)::int as n from ai.copilot_turns where session_id = $1',
    [session],
  );
  assert.equal(turns!.n, RACES);
});

test('one idempotency key starts one turn, from two APIs at once and again after it ended', async () => {
  const session = await newSession(cluster, apis[0]!);
  const readers = apis.map((api) =>
    chat(cluster, () => [api], session, { message: 'Wait' }, { 'Idempotency-Key': 'k1' }),
  );
  const ends = await Promise.all(readers.map((reader) => reader.end()));
  assert.deepEqual(ends[0], ends[1]);
  const again = chat(cluster, () => apis, session, { message: 'Wait' }, { 'Idempotency-Key': 'k1' });
  assert.deepEqual(await again.end(), ends[0]);
  assert.deepEqual(again.events, readers[0]!.events);
  const other = chat(
    cluster,
    () => apis,
    session,
    { message: 'Something else' },
    { 'Idempotency-Key': 'k1' },
  );
  await assert.rejects(other.end(), /409/);
});

test(`a reader that stops for ${STUCK_MS / 1_000} s holds less than 1 MB of the API and gets everything when it reads on`, async () => {
  const [api] = apis as [ApiRole, ApiRole];
  const session = await newSession(cluster, api);
  // Once without anybody stuck: what the process takes for serving such a stream at all is not what is asked.
  await chat(cluster, () => [api], session, { message: 'Talk much' }).end(120_000);
  const lively = chat(cluster, () => [api], session, { message: 'Talk much' });
  await lively.until(({ event }) => event === 'content_delta');
  const rss = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${api.child.pid}/status`, 'utf8'))![1]) * 1024;

  const stuck = Array.from({ length: STUCK }, () =>
    openPaused(api, `/api/copilot/sessions/${session}/turns/${lively.turnId()}/events`, cluster.key()),
  );
  const before = rss();
  const end = await lively.end(120_000);
  await delay(Math.max(0, STUCK_MS - (Date.now() - stuck[0]!.openedAt)));
  const grown = rss() - before;
  console.log(
    `${STUCK} stuck readers of a 6 MB stream: the API grew by ${(grown / 1024 / 1024).toFixed(1)} MB`,
  );
  assert.ok(grown < STUCK * 1024 * 1024, `the API grew by ${grown} bytes`);
  for (const reader of stuck) {
    const events = await reader.readOn();
    assert.deepEqual(seqs(events), upTo(Number(end.seq)));
    assert.deepEqual(events.at(-1), end);
  }
});

test('an API that is killed between its two writes leaves no turn behind and no session locked', async () => {
  const [api] = apis as [ApiRole, ApiRole];
  const session = await newSession(cluster, api);
  // What such a death leaves: the row of a turn whose workflow was never started.
  await cluster.query(
    `insert into ai.copilot_turns (id, session_id, workflow_id, user_message_id, message_id, message, model, base_graph, working_graph)
     values (gen_random_uuid(), $1, $2, gen_random_uuid(), gen_random_uuid(), 'Lost', 'gpt-5.2', '{}', '{}')`,
    [session, cluster.workflowId()],
  );
  const reader = chat(cluster, () => [api], session, { message: 'Next' });
  assert.equal((await reader.end()).event, 'complete');
  const { body } = await call(cluster, api, 'GET', `/api/copilot/sessions/${session}/messages`);
  assert.deepEqual(
    (body.messages as { content: string }[]).map((message) => message.content),
    ['Next', 'Well done'],
  );
  await until(
    'the lost turn is gone',
    async () => (await cluster.query(`select 1 from ai.copilot_turns where message = 'Lost'`)).length === 0,
    { limitMs: 90_000, everyMs: 200 },
  );
});

test('a workflow whose start was answered with 503 ends by itself', async () => {
  const [api] = apis as [ApiRole, ApiRole];
  const session = await newSession(cluster, api);
  await worker.kill('SIGKILL');
  const reader = chat(cluster, () => [api], session, { message: 'Gone' });
  await reader.until(({ event }) => event === 'start');
  // The rows go as if the API had taken the start back; the workflow does not know.
  await cluster.query('delete from ai.copilot_turns where session_id = $1', [session]);
  worker = await cluster.startWorker();
  assert.equal((await reader.end()).code, 'workflow_gone');
  const next = chat(cluster, () => [api], session, { message: 'Next' });
  assert.equal((await next.end()).event, 'complete');
});

/** A raw connection that asks for a stream and reads nothing of it until it is told to. */
function openPaused(api: ApiRole, path: string, key: string) {
  const { port } = new URL(api.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.pause();
  socket.write(`GET ${path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n\r\n`);
  return {
    openedAt: Date.now(),
    async readOn(): Promise<{ event: string; seq?: number }[]> {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      const ended = new Promise((resolve) => socket.once('end', resolve));
      socket.resume();
      await ended;
      socket.destroy();
      return Buffer.concat(chunks)
        .toString()
        .split('\n\n')
        .flatMap((block) =>
          block.startsWith('data: ') ? [JSON.parse(block.slice(6)) as { event: string; seq?: number }] : [],
        );
    },
  };
}
