/** A worker that dies, is told to stop, or falls asleep in the middle of a streamed answer. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiRole, type Cluster, startCluster } from '../support/cluster.ts';
import { chat, newSession, seqs, shownText, upTo } from '../support/cluster-client.ts';
import { repeats } from '../support/repeats.ts';

const PIECES = upTo(40).map((n) => `word${n} `);
let cluster: Cluster;
let api: ApiRole;

before(async () => {
  const asked = new Set<string>();
  cluster = await startCluster({
    // The first answer stops in its middle, so that its worker is there when it is killed. The second one is whole.
    script: ({ message }) => {
      const again = asked.has(message);
      asked.add(message);
      return { text: PIECES, ...(again ? { pieceMs: 5 } : { pieceMs: 100, stopAfter: 20 }) };
    },
  });
  api = await cluster.startApi();
});
after(() => cluster.stop());

async function startTurn(message: string) {
  const session = await newSession(cluster, api);
  const reader = chat(cluster, () => [api], session, { message });
  await reader.until((event) => event.event === 'content_delta' && Number(event.seq) > 8);
  return { session, reader };
}

async function assertOneAnswer(
  session: string,
  reader: Awaited<ReturnType<typeof startTurn>>['reader'],
  resets: number,
) {
  const end = await reader.end(60_000);
  assert.equal(end.event, 'complete');
  assert.equal(end.content, PIECES.join(''));
  assert.equal(shownText(reader.events), end.content);
  assert.deepEqual(seqs(reader.events), upTo(seqs(reader.events).length));
  assert.equal(reader.events.filter((event) => event.event === 'content_reset').length, resets);
  const messages = await cluster.query<{ content: string }>(
    `select content from ai.copilot_messages where session_id = $1 and role = 'assistant'`,
    [session],
  );
  assert.deepEqual(
    messages.map((message) => message.content),
    [end.content],
  );
}

test('another worker finishes the turn of a killed one within 8 seconds', async () => {
  const first = await cluster.startWorker();
  const { session, reader } = await startTurn('Forty words, one');
  const second = await cluster.startWorker();
  const killedAt = Date.now();
  await first.kill('SIGKILL');
  await assertOneAnswer(session, reader, 1);
  const tookMs = Date.now() - killedAt;
  console.log(`finished ${tookMs} ms after SIGKILL`);
  assert.ok(tookMs < 8_000, `took ${tookMs} ms`);
  await second.kill('SIGTERM');
});

test('a worker that is told to stop hands its turn over, and it is finished within 2 seconds', async () => {
  const first = await cluster.startWorker();
  const { session, reader } = await startTurn('Forty words, two');
  const second = await cluster.startWorker();
  const toldAt = Date.now();
  const gone = first.kill('SIGTERM');
  await assertOneAnswer(session, reader, 1);
  const tookMs = Date.now() - toldAt;
  console.log(`finished ${tookMs} ms after SIGTERM`);
  assert.ok(tookMs < 2_000, `took ${tookMs} ms`);
  await gone;
  await second.kill('SIGTERM');
});

test('a worker that wakes up after its replacement finished writes nothing', async () => {
  const first = await cluster.startWorker();
  const { session, reader } = await startTurn('Forty words, three');
  const second = await cluster.startWorker();
  const stoppedAt = Date.now();
  await first.kill('SIGSTOP');
  await assertOneAnswer(session, reader, 1);
  const before = await cluster.query(
    'select seq, payload from ai.copilot_turn_events where turn_id = $1 order by seq',
    [reader.turnId()],
  );
  const calls = cluster.fake.requests.length;
  console.log(`finished ${Date.now() - stoppedAt} ms after SIGSTOP`);
  // Longer than the heartbeat's timeout of 4 s; in the soak longer than every timeout that it could still run into.
  await delay(Math.max(0, stoppedAt + repeats({ test: 10_000, soak: 30_000 }) - Date.now()));
  await first.kill('SIGCONT');
  // It has woken up when it takes part again: it answers its shutdown in order.
  await first.kill('SIGTERM');
  const after = await cluster.query(
    'select seq, payload from ai.copilot_turn_events where turn_id = $1 order by seq',
    [reader.turnId()],
  );
  assert.deepEqual(after, before);
  assert.equal(cluster.fake.requests.length, calls);
  await second.kill('SIGTERM');
});
