/**
 * Faults of the network between every two parts, while turns run. Each pair has an API and a worker of its own (on a task
 * queue of its own) whose links go through proxies, so that the pairs are tried side by side.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiRole, type Cluster, startCluster } from '../support/cluster.ts';
import { chat, newSession, type Reader, seqs, shownText, upTo } from '../support/cluster-client.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { IMPATIENT } from '../support/impatient-limits.ts';

const TURNS = 2;
const PIECES = upTo(24).map((n) => `w${n} `);
const PIECE_MS = 45;
const TEXT = `${PIECES.join('')}\n\n${PIECES.join('')}`;
/** What the issue promises, and what a machine that does ten other things at once may take on top. */
const TOLD_MS = 5_000;
const RECOVERED_MS = 15_000;
const NOTICED_MS = 10_000;
const SLACK_MS = 1_500;
/** The same line is said again only so often. */
const REPEATED_MS = 10_000 + TOLD_MS;
const REST_OF_TURN_MS = 2 * PIECES.length * PIECE_MS + 2_000;

type Pair = 'API-Postgres' | 'API-Temporal' | 'worker-Postgres' | 'worker-Temporal' | 'worker-provider';
const PAIRS: readonly Pair[] = [
  'API-Postgres',
  'API-Temporal',
  'worker-Postgres',
  'worker-Temporal',
  'worker-provider',
];
/** A provider that says nothing may be thinking: a worker waits longer before it gives up that link. */
const patienceMs = (pair: Pair): number => (pair === 'worker-provider' ? IMPATIENT.idleMs : 0);
const IMPATIENT_WORKER = join(import.meta.dirname, '../support/impatient-worker.ts');

interface Scenario {
  name: string;
  /** For how long; 0: it is over at once. */
  forMs: number;
  fault: Fault | 'reset' | 'abandon';
}

const SCENARIOS: Scenario[] = [
  { name: 'latency', forMs: 2_500, fault: { kind: 'latency', ms: 150 } },
  { name: 'black hole', forMs: 6_000, fault: { kind: 'blackHole', way: 'both' } },
  { name: 'lost one way, to the server', forMs: 4_500, fault: { kind: 'blackHole', way: 'toServer' } },
  { name: 'lost one way, to the client', forMs: 4_500, fault: { kind: 'blackHole', way: 'toClient' } },
  { name: 'slow drip', forMs: 2_500, fault: { kind: 'drip', bytes: 200, ms: 10 } },
  { name: 'reset in mid-frame', forMs: 0, fault: 'reset' },
  { name: 'half open', forMs: 3_000, fault: { kind: 'halfOpen' } },
  { name: 'dead for good', forMs: 0, fault: 'abandon' },
];

interface System {
  api: ApiRole;
  proxy: FaultProxy;
}

let cluster: Cluster;
const systems = new Map<Pair, System>();
const proxies: FaultProxy[] = [];

before(async () => {
  cluster = await startCluster({
    script: ({ toolResults }) => ({
      text: PIECES,
      pieceMs: PIECE_MS,
      ...(toolResults === 0
        ? { toolCalls: [{ name: 'get_block_info', arguments: { block_types: ['agent'] } }] }
        : {}),
    }),
  });
  const { databaseUrl, temporalAddress } = cluster.addresses();
  const targets = {
    Postgres: databaseUrl,
    Temporal: `tcp://${temporalAddress}`,
    provider: cluster.fake.url,
  };
  await Promise.all(
    PAIRS.map(async (pair) => {
      const [role, server] = pair.split('-') as ['API' | 'worker', keyof typeof targets];
      const { hostname, port } = new URL(targets[server]);
      const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
      proxies.push(proxy);
      const straight = {
        DATABASE_URL: databaseUrl,
        TEMPORAL_ADDRESS: temporalAddress,
        OPENAI_BASE_URL: cluster.fake.url,
        TEMPORAL_TASK_QUEUE: `faults-${pair}`,
      };
      const broken = {
        Postgres: { DATABASE_URL: Object.assign(new URL(databaseUrl), { host: proxy.address }).href },
        Temporal: { TEMPORAL_ADDRESS: proxy.address },
        provider: { OPENAI_BASE_URL: `http://${proxy.address}/v1` },
      }[server];
      const envOf = (of: typeof role) => ({ ...straight, ...(of === role ? broken : {}) });
      const script = server === 'provider' ? IMPATIENT_WORKER : undefined;
      const [api] = await Promise.all([
        cluster.startApi(envOf('API')),
        cluster.startWorker(envOf('worker'), undefined, script),
      ]);
      systems.set(pair, { api, proxy });
    }),
  );
  // The first turn of a process reads half of its code: what it takes says nothing about faults.
  await Promise.all(
    [...systems.values()].map(async ({ api }) => {
      const reader = chat(cluster, () => [api], await newSession(cluster, api), { message: 'Warm up' });
      assert.equal((await reader.end(60_000)).event, 'complete');
    }),
  );
});
after(async () => {
  await cluster.stop();
  await Promise.all(proxies.map((proxy) => proxy.close()));
});

async function beginTurns({ api }: System, name: string): Promise<{ session: string; reader: Reader }[]> {
  return Promise.all(
    upTo(TURNS).map(async (n) => {
      // What the last fault has left may still be found out: a 503 says that the request may be repeated.
      let session: string | undefined;
      for (const limit = Date.now() + RECOVERED_MS; !session && Date.now() < limit; await delay(100))
        session = await newSession(cluster, api);
      assert.ok(session);
      const key = { 'Idempotency-Key': randomUUID() };
      const reader = chat(cluster, () => [api], session, { message: `${name} ${n}` }, key);
      await reader.until(({ event, seq }) => event === 'content_delta' && seq! > 4);
      return { session, reader };
    }),
  );
}

async function tryScenario(pair: Pair, scenario: Scenario): Promise<void> {
  const system = systems.get(pair)!;
  const { proxy } = system;
  const name = `${pair} ${scenario.name}`;
  const turns = await beginTurns(system, name);
  if (scenario.fault === 'reset') proxy.resetAfter(100);
  else if (scenario.fault === 'abandon') proxy.abandon();
  else {
    proxy.inject(scenario.fault);
    await delay(scenario.forMs);
    proxy.heal();
  }
  const healed = performance.now();
  const links = proxy.opened();
  const noticed =
    scenario.fault === 'abandon'
      ? untilTrue(() => proxy.opened() > links, patienceMs(pair) + NOTICED_MS + SLACK_MS)
      : null;
  const waitMs = patienceMs(pair) + RECOVERED_MS + REST_OF_TURN_MS;
  const ends = await Promise.all(turns.map(({ reader }) => reader.end(waitMs)));
  const took = performance.now() - healed;
  const silences = turns.map(({ reader }) => silencesOf(reader));
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const told = Math.max(...silences.map(({ untilTold }) => untilTold));
  const noticedMs = await noticed;
  console.log(
    `${name}: ended ${seconds(took)} after the fault; readers were told within ${seconds(told)}${
      noticedMs === null ? '' : `; noticed within ${seconds(noticedMs)}`
    }`,
  );
  if (scenario.fault === 'reset') proxy.heal();
  for (const [index, { session, reader }] of turns.entries()) {
    const end = ends[index]!;
    assert.equal(end.event, 'complete', JSON.stringify(end));
    assert.equal(end.content, TEXT);
    assert.equal(shownText(reader.events), TEXT);
    assert.deepEqual(seqs(reader.events), upTo(seqs(reader.events).length));
    const { untilTold, longest } = silences[index]!;
    assert.ok(untilTold < TOLD_MS + SLACK_MS, `a reader was told nothing for ${untilTold} ms`);
    assert.ok(longest < REPEATED_MS, `a reader heard nothing for ${longest} ms`);
    const rows = await cluster.query<{ role: string; n: number }>(
      'select role, count(*)::int as n from ai.copilot_messages where session_id = $1 group by role order by role',
      [session],
    );
    assert.deepEqual(rows, [
      { role: 'assistant', n: 1 },
      { role: 'user', n: 1 },
    ]);
    const calls = cluster.fake.requests
      .filter(({ message }) => message === `${name} ${index + 1}`)
      .map(({ toolResults }) => toolResults);
    // A fault is no death: only a call whose own link broke is made again.
    if (pair === 'worker-provider') assert.deepEqual([...new Set(calls)], [0, 1]);
    else assert.deepEqual(calls, [0, 1], 'each model call is made and paid for once');
  }
}

/** How long it took until something followed an event of the log, and the longest silence of all. */
function silencesOf({ events, times }: Reader): { untilTold: number; longest: number } {
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  const afterEvents = gaps.filter((_, index) => events[index]!.seq !== undefined);
  return { untilTold: Math.max(...afterEvents), longest: Math.max(...gaps) };
}

/** How long it took; fails after `limitMs`. */
async function untilTrue(condition: () => boolean, limitMs: number): Promise<number> {
  const from = performance.now();
  for (; !condition(); await delay(20))
    assert.ok(performance.now() - from < limitMs, 'a dead link was not replaced');
  return performance.now() - from;
}

describe('faults between the parts', { concurrency: PAIRS.length }, () => {
  for (const pair of PAIRS) {
    describe(pair, { concurrency: 1 }, () => {
      for (const scenario of SCENARIOS) test(scenario.name, () => tryScenario(pair, scenario));
    });
  }
});
