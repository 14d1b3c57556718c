/** The parts that a turn stands on go away in the middle of it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiRole, type Cluster, startCluster } from '../support/cluster.ts';
import { call, chat, newSession, type Reader, seqs, shownText, upTo } from '../support/cluster-client.ts';

const PIECES = upTo(60).map((n) => `w${n} `);
let cluster: Cluster;
let api: ApiRole;
let other: ApiRole;

before(async () => {
  cluster = await startCluster({
    script: ({ message, toolResults }) => {
      if (toolResults === 0 && message.startsWith('Look')) {
        return {
          text: PIECES,
          pieceMs: 30,
          toolCalls: [{ name: 'get_block_info', arguments: { block_types: ['agent'] } }],
        };
      }
      return { text: PIECES, pieceMs: 60 };
    },
  });
  [api, other] = await Promise.all([cluster.startApi(), cluster.startApi(), cluster.startWorker()]);
});
after(() => cluster.stop());

/** Everything that must be true of a finished turn, whatever happened to it. */
async function assertWhole(session: string, reader: Reader, text: string) {
  const end = await reader.end(60_000);
  assert.equal(end.event, 'complete', JSON.stringify(end));
  assert.equal(end.content, text);
  assert.equal(shownText(reader.events), text);
  assert.deepEqual(seqs(reader.events), upTo(seqs(reader.events).length));
  const rows = await cluster.query<{ role: string; n: number }>(
    'select role, count(*)::int as n from ai.copilot_messages where session_id = $1 group by role order by role',
    [session],
  );
  assert.deepEqual(rows, [
    { role: 'assistant', n: 1 },
    { role: 'user', n: 1 },
  ]);
}

async function begin(message: string, apis = () => [api]) {
  const session = await newSession(cluster, apis()[0]!);
  const reader = chat(cluster, apis, session, { message });
  await reader.until(({ event, seq }) => event === 'content_delta' && seq! > 8);
  return { session, reader };
}

test('an API is killed in the middle of a stream: the client reads on at another one, every seq once', async () => {
  let apis = [api, other];
  const { session, reader } = await begin('Tell me', () => apis);
  apis = [other];
  await api.kill('SIGKILL');
  await assertWhole(session, reader, PIECES.join(''));
  assert.equal(cluster.fake.requests.filter((request) => request.message === 'Tell me').length, 1);
  api = await cluster.startApi();
});

/** Keeps a server down for five seconds although its supervisor starts it again at once. */
async function keepDown(name: 'postgres' | 'temporal'): Promise<void> {
  const until = Date.now() + 5_000;
  cluster.stack().child.kill('SIGSTOP');
  process.kill(cluster.serverPid(name), 'SIGKILL');
  let refused = 0;
  const session = sessions.at(-1)!;
  while (Date.now() < until) {
    const { status, body } = await call(cluster, api, 'POST', `/api/copilot/sessions/${session}/chat`, {
      message: 'Not now',
    });
    assert.equal(status, 503, JSON.stringify(body));
    assert.equal(typeof body.error, 'string');
    refused += 1;
  }
  assert.ok(refused > 0);
  cluster.stack().child.kill('SIGCONT');
}
const sessions: string[] = [];

for (const name of ['temporal', 'postgres'] as const) {
  test(`${name} is killed for 5 seconds in the middle of a turn: it ends well, nothing lost or doubled`, async () => {
    const message = `Look, ${name}`;
    sessions.push(await newSession(cluster, api));
    const { session, reader } = await begin(message);
    await keepDown(name);
    await assertWhole(session, reader, `${PIECES.join('')}\n\n${PIECES.join('')}`);
    const calls = cluster.fake.requests.filter((request) => request.message === message);
    assert.deepEqual(
      calls.map((request) => request.toolResults),
      [0, 1],
      'each model call is made and paid for once',
    );
    assert.equal(reader.events.filter(({ event }) => event === 'content_reset').length, 0);
    const status = reader.events.filter(({ event, seq }) => event === 'status' && seq === undefined);
    assert.ok(status.length > 0, 'readers see a status while nothing else comes');
    const orphans = await cluster.query('select id, status from ai.copilot_turns where message = $1', [
      'Not now',
    ]);
    assert.deepEqual(orphans, []);
    const again = chat(cluster, () => [api], sessions.at(-1)!, { message: 'Now' });
    assert.equal((await again.end()).event, 'complete');
  });
}
