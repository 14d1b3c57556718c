/** What a scrape of /metrics each second adds to the processor time of a turn. */
import { setTimeout as delay } from 'node:timers/promises';
import { type BenchSystem, startBenchSystem } from './bench-system.ts';
import { chatWithProduct, makeSessions } from './chat-reader.ts';
import type { Answer } from './model-server.ts';
import { median, percentile, printTable, round } from './stats.ts';

/** Five model calls, four of them with a tool call. */
const TURN: Answer = { pieces: 20, pieceMs: 0, toolSteps: 4 };
const AT_ONCE = 25;
const TURNS_A_ROUND = 150;
const PAIRS = 15;
const SCRAPE_EVERY_MS = 1_000;
const SCRAPES_ALONE = 500;
/** What serves the turns. The model server and the load generator do not count. */
const PRODUCT = ['API and worker', 'Temporal', 'Postgres'];

interface Round {
  cpuMsPerTurn: number;
  turnsPerSecond: number;
}

/** `pairs` is the number of rounds with scrapes, and of those without. */
export async function benchMetrics(pairs = PAIRS): Promise<void> {
  const system = await startBenchSystem({ LOG_LEVEL: 'error' });
  try {
    await measure(system, pairs);
  } finally {
    await system.stop();
  }
}

async function measure(system: BenchSystem, pairs: number): Promise<void> {
  await turns(system); // warming up
  const plain: Round[] = [];
  const scraped: Round[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    // Each second pair is the other way round, so that a machine that grows slower favours neither.
    for (const isScraped of pair % 2 === 0 ? [false, true] : [true, false])
      (isScraped ? scraped : plain).push(isScraped ? await withScrapes(system) : await turns(system));
  }
  const alone = await scrapeAlone(system);

  const cpu = (rounds: Round[]): number[] => rounds.map(({ cpuMsPerTurn }) => cpuMsPerTurn);
  const percent = plain.map((round, n) => (scraped[n]!.cpuMsPerTurn / round.cpuMsPerTurn - 1) * 100);
  printTable(
    `Processor time of a turn, ${AT_ONCE} at once, ${pairs} pairs of rounds of ${TURNS_A_ROUND} turns`,
    ['', 'median', 'least', 'first quartile', 'third quartile', 'most'],
    [
      spreadRow('without a scrape (ms)', cpu(plain)),
      spreadRow('scraped each second (ms)', cpu(scraped)),
      spreadRow('difference of a pair (%)', percent),
    ],
  );
  const turnsPerSecond = median(scraped.map((round) => round.turnsPerSecond));
  const perTurnMs = alone.cpuMs / turnsPerSecond;
  printTable(
    `${SCRAPES_ALONE} scrapes alone, one after the other`,
    [
      'size of the page',
      'time of a scrape, p50',
      'its processor time',
      'turns a second in the rounds',
      'share of a turn',
      'target',
    ],
    [
      [
        `${round(alone.bytes / 1024)} KB`,
        `${round(alone.wallMs)} ms`,
        `${alone.cpuMs.toFixed(2)} ms`,
        round(turnsPerSecond),
        `${((perTurnMs / median(cpu(plain))) * 100).toFixed(2)} %`,
        '1 %',
      ],
    ],
  );
}

/** The turns of a round. The number is fixed, so that no turn is counted in part. */
async function turns(system: BenchSystem): Promise<Round> {
  const sessions = await makeSessions(system.ready, TURNS_A_ROUND);
  const startedAt = performance.now();
  const before = productCpu(system);
  const lane = async (): Promise<void> => {
    for (let session = sessions.pop(); session !== undefined; session = sessions.pop())
      await chatWithProduct(system.ready, session, TURN);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    cpuMsPerTurn: (productCpu(system) - before) / TURNS_A_ROUND,
    turnsPerSecond: TURNS_A_ROUND / seconds,
  };
}

async function withScrapes(system: BenchSystem): Promise<Round> {
  const stopped = new AbortController();
  const scraping = (async () => {
    while (!stopped.signal.aborted) {
      await scrape(system);
      await delay(SCRAPE_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  try {
    return await turns(system);
  } finally {
    stopped.abort();
    await scraping;
  }
}

/** The processor time of a scrape, above what the product uses in the same time without any. */
async function scrapeAlone(system: BenchSystem): Promise<{ cpuMs: number; wallMs: number; bytes: number }> {
  const wall: number[] = [];
  let bytes = 0;
  const before = productCpu(system);
  const startedAt = performance.now();
  for (let n = 0; n < SCRAPES_ALONE; n += 1) {
    const scrapedAt = performance.now();
    bytes = await scrape(system);
    wall.push(performance.now() - scrapedAt);
  }
  const tookMs = performance.now() - startedAt;
  const busy = productCpu(system) - before;
  const idleFrom = productCpu(system);
  await delay(tookMs);
  const idle = productCpu(system) - idleFrom;
  return { cpuMs: (busy - idle) / SCRAPES_ALONE, wallMs: median(wall), bytes };
}

/** Reads the page and returns its size in bytes. */
async function scrape({ ready }: BenchSystem): Promise<number> {
  const response = await fetch(`${ready.url}/metrics`);
  const page = await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
  return page.byteLength;
}

function productCpu(system: BenchSystem): number {
  const cpu = system.cpu();
  return PRODUCT.reduce((sum, name) => sum + (cpu[name] ?? Number.NaN), 0);
}

function spreadRow(name: string, values: number[]): string[] {
  return [
    name,
    ...[median(values), Math.min(...values), percentile(values, 0.25), percentile(values, 0.75)].map(round),
    round(Math.max(...values)),
  ];
}
