/** Turns a minute when there is always another one waiting, and what the machine does meanwhile. */
import { availableParallelism } from 'node:os';
import { type BenchSystem } from './bench-system.ts';
import { chatWithBare, chatWithProduct, makeSessions } from './chat-reader.ts';
import type { Answer } from './model-server.ts';
import { percentile, printTable, round } from './stats.ts';

/** Five model calls, four of them with a tool call. */
const TURN: Answer = { pieces: 20, pieceMs: 0, toolSteps: 4 };
const BARE_CALL: Answer = { ...TURN, toolSteps: 0 };
const CALLS = 5;
const WARM_UP_MS = 5_000;
const MEASURE_MS = 30_000;

interface Load {
  perMinute: number;
  turnMs: number[];
  cpu: Record<string, number>;
}

export async function benchSaturation(system: BenchSystem): Promise<void> {
  const rows: string[][] = [];
  let cpu: Load['cpu'] = {};
  let best = 0;
  for (const atOnce of [10, 25, 50]) {
    const load = await loadWith(system, atOnce, async () => {
      const [session] = await makeSessions(system.ready, 1);
      return (await chatWithProduct(system.ready, session!, TURN)).totalMs;
    });
    rows.push([
      String(atOnce),
      round(load.perMinute),
      round(percentile(load.turnMs, 0.5)),
      round(percentile(load.turnMs, 0.99)),
    ]);
    if (load.perMinute > best) [best, cpu] = [load.perMinute, load.cpu];
  }
  const bare = await loadWith(system, 25, async () => {
    let ms = 0;
    for (let call = 0; call < CALLS; call += 1) ms += (await chatWithBare(system.bareUrl, BARE_CALL)).totalMs;
    return ms;
  });
  rows.push(['bare, 25', round(bare.perMinute), round(percentile(bare.turnMs, 0.5)), '']);
  printTable(
    'Turns of 5 model calls and 4 tool calls',
    ['turns at once', 'turns a minute', 'turn p50 (ms)', 'turn p99 (ms)'],
    rows,
  );
  const total = Object.values(cpu).reduce((sum, ms) => sum + ms, 0);
  printTable(
    `Processor time at the best of these (${availableParallelism()} cores)`,
    ['process', 'cores', 'ms a turn'],
    [...Object.entries(cpu), ['all', total] as const].map(([name, ms]) => [
      name,
      (ms / MEASURE_MS).toFixed(2),
      round(ms / ((best * MEASURE_MS) / 60_000)),
    ]),
  );
}

/** Keeps `atOnce` of them going. */
async function loadWith(system: BenchSystem, atOnce: number, one: () => Promise<number>): Promise<Load> {
  const startedAt = performance.now();
  const turnMs: number[] = [];
  let before: Record<string, number> | null = null;
  const age = (): number => performance.now() - startedAt;
  const lane = async (): Promise<void> => {
    while (age() < WARM_UP_MS + MEASURE_MS) {
      const ms = await one();
      if (age() < WARM_UP_MS) continue;
      before ??= system.cpu();
      if (age() < WARM_UP_MS + MEASURE_MS) turnMs.push(ms);
    }
  };
  let after: Record<string, number> = {};
  const end = new Promise<void>((resolve) => {
    setTimeout(() => {
      after = system.cpu();
      resolve();
    }, WARM_UP_MS + MEASURE_MS);
  });
  await Promise.all([...Array.from({ length: atOnce }, lane), end]);
  const start: Record<string, number> = before ?? {};
  const cpu = Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - (start[name] ?? 0)]));
  return { perMinute: (turnMs.length * 60_000) / MEASURE_MS, turnMs, cpu };
}
