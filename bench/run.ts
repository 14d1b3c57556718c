/**
 * npm run bench: all benchmarks but the long ones; npm run bench -- <name> [size]: one of them. bench/README.md has the
 * results.
 */
import { cpus, totalmem } from 'node:os';
import { type BenchSystem, startBenchSystem } from './bench-system.ts';
import { benchFairness } from './fairness.ts';
import { benchHistory } from './history.ts';
import { benchIdleReaders } from './idle-readers.ts';
import { benchDelta, benchFirstToken } from './latency.ts';
import { benchMetrics } from './metrics.ts';
import { benchModelLayer } from './model-layer.ts';
import { benchPage } from './page.ts';
import { benchPeers } from './peers.ts';
import { benchRetention } from './retention.ts';
import { benchSaturation } from './saturation.ts';
import { benchScale } from './scale.ts';
import { benchStartTime } from './start-time.ts';
import { benchTools } from './tools.ts';

const BENCHMARKS: Record<string, (system: BenchSystem) => Promise<void>> = {
  'first-token': benchFirstToken,
  delta: benchDelta,
  history: benchHistory,
  saturation: benchSaturation,
  'model-layer': benchModelLayer,
  tools: benchTools,
  'idle-readers': benchIdleReaders,
  page: benchPage,
};
/** Those that start systems of their own. */
const ALONE: Record<string, () => Promise<void>> = { fairness: benchFairness, start: benchStartTime };
/** Those that run only when they are named, because they take long. A size makes them smaller. */
const LONG: Record<string, (size?: number) => Promise<void>> = {
  retention: benchRetention,
  scale: benchScale,
  metrics: benchMetrics,
};
/** Those that run only when they are named, because they install packages. They take the words that follow. */
const INSTALLING: Record<string, (words: string[]) => Promise<void>> = { peers: benchPeers };

const [wanted, ...words] = process.argv.slice(3);
const names = [BENCHMARKS, ALONE, LONG, INSTALLING].flatMap((group) => Object.keys(group));
if (wanted !== undefined && !names.includes(wanted)) {
  console.error(`There is no benchmark ${wanted}. Choose one of: ${names.join(', ')}`);
  process.exit(1);
}
const takesWords = wanted !== undefined && wanted in INSTALLING;
const size = takesWords || words[0] === undefined ? undefined : Number(words[0]);
const takesSize = wanted !== undefined && wanted in LONG;
if (size !== undefined && !(takesSize && Number.isSafeInteger(size) && size > 0)) {
  console.error(`Only ${Object.keys(LONG).join(', ')} take a size, a whole number above 0.`);
  process.exit(1);
}
console.log(
  `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB`,
);
const selected = Object.entries(BENCHMARKS).filter(([name]) => wanted === undefined || name === wanted);
if (selected.length > 0) {
  const system = await startBenchSystem();
  try {
    for (const [, bench] of selected) await bench(system);
  } finally {
    await system.stop();
  }
}
for (const [name, bench] of Object.entries(ALONE)) if (wanted === undefined || wanted === name) await bench();
for (const [name, bench] of Object.entries(LONG)) if (wanted === name) await bench(size);
for (const [name, bench] of Object.entries(INSTALLING)) if (wanted === name) await bench(words);
process.exit(0);
