/** One turn, read by the client through a connection that is cut again and again. */
import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import { createCopilotClient, foldEvents, initialTurnView, type TurnEvent } from '../../client/src/index.ts';
import { newSession, upTo } from '../support/cluster-client.ts';
import { type ApiRole, type Cluster, startCluster } from '../support/cluster.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { repeats } from '../support/repeats.ts';

const CUTS = repeats({ test: 10, soak: 50 });
/** Far more than the cuts take: what is left is sent at once when they are done. */
const PIECES = upTo(8_000).map((n) => `word${n} `);
const PIECE_MS = 30;
/** Events that must come after a cut before the next one. */
const BETWEEN = 3;

const { random: draw } = Math;
const random = (n: number): number => Math.floor(draw() * n);

let cluster: Cluster;
let api: ApiRole;
let proxy: FaultProxy;
let isDone = false;

before(async () => {
  cluster = await startCluster({
    script: () => ({
      text: PIECES,
      get pieceMs() {
        return isDone ? 0 : PIECE_MS;
      },
    }),
  });
  [api] = await Promise.all([cluster.startApi(), cluster.startWorker()]);
  proxy = await startFaultProxy({ host: '127.0.0.1', port: Number(new URL(api.url).port) });
  cluster.onStop(() => void proxy.close());
});
after(() => cluster.stop());

/** Fetches that fail, as those of a browser without a network. */
let offline = 0;
/** Answers that are lost on the way, of requests that arrived. */
let lost = 1;
const fetchOrFail: typeof fetch = async (url, init) => {
  if (offline > 0) {
    offline -= 1;
    throw new TypeError('Failed to fetch');
  }
  const response = await fetch(url, init);
  if (lost === 0) return response;
  lost -= 1;
  await response.body?.cancel();
  throw new TypeError('Failed to fetch');
};

const restart = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
  await api.kill(signal);
  api = await cluster.startApi({ PORT: new URL(api.url).port });
};

const CUT: Record<string, () => Promise<void> | void> = {
  'the API is killed': () => restart('SIGKILL'),
  'the API is told to stop': () => restart('SIGTERM'),
  'the connection is reset in the middle of a frame': () => proxy.resetAfter(1 + random(400)),
  'the client is offline for a while': () => {
    offline = 1 + random(3);
    proxy.resetAfter(1 + random(400));
  },
};

test(`a turn goes on through ${CUTS} cuts, with each event once and in order`, async (t) => {
  // The client draws its pauses from zero on: a tenth of them is as good a test, and shorter.
  mock.method(Math, 'random', () => draw() / 10);
  const session = await newSession(cluster, api);
  const client = createCopilotClient({
    baseUrl: `http://${proxy.address}`,
    getToken: () => cluster.key(),
    fetch: fetchOrFail,
  });
  const events: TurnEvent[] = [];
  let view = initialTurnView();
  let reconnects = 0;
  let seen = Promise.withResolvers<void>();
  const abort = new AbortController();
  cluster.onStop(() => abort.abort());
  const reading = (async () => {
    for await (const event of client.chat(
      session,
      { message: 'Tell me everything' },
      {
        signal: abort.signal,
        onConnection: (state) => void (reconnects += state === 'reconnecting' ? 1 : 0),
      },
    )) {
      events.push(event);
      view = foldEvents(view, event);
      seen.resolve();
    }
  })();
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      seen = Promise.withResolvers<void>();
      await Promise.race([seen.promise, reading]);
      assert.equal(view.end, null, 'the turn ended before the cuts did');
    }
  };
  const made: Record<string, number> = {};
  for (let cut = 0; cut < CUTS; cut += 1) {
    const from = view.lastSeq;
    await until(() => view.lastSeq >= from + BETWEEN);
    const kinds = Object.keys(CUT);
    // Each kind at least once, then at random.
    const kind = kinds[cut < kinds.length ? cut : random(kinds.length)]!;
    made[kind] = (made[kind] ?? 0) + 1;
    const before = reconnects;
    await CUT[kind]!();
    await until(() => reconnects > before);
  }
  isDone = true;
  await reading;

  t.diagnostic(`${JSON.stringify(made)}, ${reconnects} reconnects, ${view.lastSeq} events`);
  assert.ok(reconnects > CUTS, 'the answer that was lost at first counts as well');
  const numbered = events.filter(({ seq }) => seq !== undefined);
  assert.deepEqual(
    numbered.map(({ seq }) => seq),
    upTo(numbered.length),
  );
  assert.deepEqual([view.end, view.stopReason], ['complete', 'done']);
  const deltas = events.flatMap((event) => (event.event === 'content_delta' ? event.delta : []));
  assert.equal(deltas.join(''), PIECES.join(''));
  assert.equal(view.text, PIECES.join(''));
  const stored = await cluster.query<{ seq: number; event: string; payload: object }>(
    'select seq::int as seq, event, payload::json as payload from ai.copilot_turn_events where turn_id = $1 order by seq',
    [view.turnId],
  );
  assert.deepEqual(
    numbered,
    stored.map(({ seq, event, payload }) => ({ event, seq, ...payload })),
  );
  const [turns] = await cluster.query<{ n: number }>(
    'select count(*)::int as n from ai.copilot_turns where session_id = $1',
    [session],
  );
  assert.equal(turns!.n, 1, 'the answer to the message was lost, and the message was sent once more');
});
