/** Reads the memory and open files of a process from /proc, and judges whether its memory grows. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Sample {
  /** Milliseconds since the start of the soak. */
  atMs: number;
  /** The resident set in MB. */
  rssMb: number;
}

export interface Verdict {
  /** The median of each third of the time, in MB. */
  thirdsMb: [number, number, number];
  /** The slope of a least-squares line over the last two thirds. */
  slopeMbPerHour: number;
  isFlat: boolean;
}

/** How far the last third may be above the second: the noise of a garbage collector. */
const SHARE = 1.05;
const SLACK_MB = 10;

/** The resident set of a process, in MB. */
export function rssMbOf(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kb === undefined) throw new Error(`process ${pid} is gone`);
  return Number(kb) / 1024;
}

/** The number of files, sockets and pipes that a process has open. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/**
 * Judges the memory of a process. It is flat when the median of the last third exceeds that of the second third by at most
 * 5 % and 10 MB. Each third needs a sample.
 */
export function judgeMemory(samples: readonly Sample[], durationMs: number): Verdict {
  const third = (n: number): Sample[] =>
    samples.filter(({ atMs }) => Math.min(2, Math.floor((atMs * 3) / durationMs)) === n);
  const medians = [0, 1, 2].map((n) => median(third(n).map(({ rssMb }) => rssMb)));
  const [first, second, last] = medians as [number, number, number];
  return {
    thirdsMb: [first, second, last],
    slopeMbPerHour: slope([...third(1), ...third(2)]) * 3_600_000,
    isFlat: last <= second * SHARE + SLACK_MB,
  };
}

function median(values: number[]): number {
  if (values.length === 0) throw new Error('a third without a sample');
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

/** The slope of a least-squares line, in MB per millisecond. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [x, y] = [mean(({ atMs }) => atMs), mean(({ rssMb }) => rssMb)];
  const spread = mean(({ atMs }) => (atMs - x) ** 2);
  return spread === 0 ? 0 : mean(({ atMs, rssMb }) => (atMs - x) * (rssMb - y)) / spread;
}
