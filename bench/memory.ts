/** The memory of the product's processes, from /proc. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { rssMbOf } from '../test/soak/memory.ts';
import { median } from './stats.ts';

const SAMPLE_EVERY_MS = 1_000;
/** So many samples make a figure: a garbage collection more or less does not move it. */
const SAMPLES = 15;

/** Megabytes, by process. */
export type Memory = Record<string, number>;

/** Reads the memory of the processes now. */
export type ReadMemory = () => Memory;

/** Creates the reading. Postgres is the sum of its processes, in which shared memory counts once. */
export function memoryOf(pids: {
  api: number;
  worker: number;
  postgres: number;
  temporal: number;
}): ReadMemory {
  return () => ({
    API: rssMbOf(pids.api),
    worker: rssMbOf(pids.worker),
    Postgres: treeMbOf(pids.postgres),
    Temporal: rssMbOf(pids.temporal),
  });
}

/** The median of the next seconds. */
export async function settledMemory(read: ReadMemory): Promise<Memory> {
  const samples: Memory[] = [];
  for (let n = 0; n < SAMPLES; n += 1) {
    await delay(SAMPLE_EVERY_MS);
    samples.push(read());
  }
  return fold(samples, median);
}

/** The most that each process has while `work` runs. Rejects when a process ends. */
export async function peakMemory<T>(
  read: ReadMemory,
  work: () => Promise<T>,
): Promise<{ peak: Memory; result: T }> {
  const samples: Memory[] = [];
  const stopped = new AbortController();
  const sampling = (async () => {
    while (!stopped.signal.aborted) {
      samples.push(read());
      await delay(SAMPLE_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  const failed = new Promise<never>((_, reject) => void sampling.catch(reject));
  try {
    const result = await Promise.race([work(), failed]);
    return { peak: fold(samples, (values) => Math.max(...values)), result };
  } finally {
    stopped.abort();
  }
}

function fold(samples: Memory[], by: (values: number[]) => number): Memory {
  return Object.fromEntries(
    Object.keys(samples[0]!).map((name) => [name, by(samples.map((sample) => sample[name]!))]),
  );
}

/** The proportional set size of a postmaster and its backends. */
function treeMbOf(pid: number): number {
  let kb = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // proc(5): the name may hold spaces; the parent is the second field after it.
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (Number(name) !== pid && parent !== pid) continue;
      const [, pss] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${name}/smaps_rollup`, 'utf8')) ?? [];
      kb += Number(pss);
    } catch {
      // It ended between the two looks.
    }
  }
  return kb / 1024;
}
