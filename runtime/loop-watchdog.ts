/**
 * Measures how long the main thread is blocked, and logs what ran meanwhile. Heartbeats, streams and health checks wait
 * while it is blocked.
 */
import { createHistogram } from 'node:perf_hooks';
import type { Logger } from './logger.ts';

/** The longest delay that is not logged. */
export const MAX_DELAY_MS = 50;
/** The timer's interval, and so the precision of a measured delay. */
const EVERY_MS = 10;
const TELL_EVERY_MS = 1_000;
const REMEMBERED = 8;

/** How often each name runs now; and the names that began last, newest at the end. */
const running = new Map<string, number>();
const begun: string[] = [];

/** Runs work under a name that the watchdog may log: a route's pattern or an activity, never a value from a caller. */
export async function underName<T>(name: string, work: () => Promise<T>): Promise<T> {
  running.set(name, (running.get(name) ?? 0) + 1);
  if (begun.at(-1) !== name) begun.push(name);
  if (begun.length > REMEMBERED) begun.shift();
  try {
    return await work();
  } finally {
    const left = running.get(name)! - 1;
    if (left > 0) running.set(name, left);
    else running.delete(name);
  }
}

export interface LoopWatchdog {
  /** Figures since the last reset. `over` counts the delays above the limit. */
  stats(): {
    maxMs: number;
    p50Ms: number;
    p99Ms: number;
    /** The most CPU time of the thread between two ticks: the part of a delay that the thread itself caused. */
    maxCpuMs: number;
    over: number;
  };
  reset(): void;
  stop(): void;
}

/** Starts watching. The timer does not keep the process alive. */
export function startLoopWatchdog(
  logger: Pick<Logger, 'warn' | 'debug'>,
  maxDelayMs = MAX_DELAY_MS,
): LoopWatchdog {
  const delays = createHistogram();
  let last = performance.now();
  let lastCpu = cpuMs();
  let maxCpuMs = 0;
  let over = 0;
  let toldAt = -Infinity;
  let untold = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const delayMs = Math.max(0, now - last - EVERY_MS);
    last = now;
    const cpu = cpuMs();
    const ownMs = cpu - lastCpu;
    lastCpu = cpu;
    maxCpuMs = Math.max(maxCpuMs, ownMs);
    delays.record(Math.max(1, Math.round(delayMs * 1_000)));
    if (delayMs <= maxDelayMs) return;
    over += 1;
    if (now - toldAt < TELL_EVERY_MS) {
      untold += 1;
      return;
    }
    // Before any work has begun, the process is starting and nobody waits for it.
    const level = begun.length > 0 ? 'warn' : 'debug';
    logger[level](
      {
        delay_ms: Math.round(delayMs),
        // When this is much less than the delay, the machine was busy with other processes.
        cpu_ms: Math.round(ownMs),
        running: [...running.keys()].slice(0, 20),
        begun: [...begun],
        more: untold,
      },
      'the main thread was held up',
    );
    toldAt = now;
    untold = 0;
  }, EVERY_MS);
  timer.unref();
  return {
    stats: () => ({
      maxMs: delays.count === 0 ? 0 : delays.max / 1_000,
      p50Ms: delays.percentile(50) / 1_000,
      p99Ms: delays.percentile(99) / 1_000,
      maxCpuMs,
      over,
    }),
    reset() {
      delays.reset();
      over = 0;
      maxCpuMs = 0;
      lastCpu = cpuMs();
      last = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}

/** The CPU time of this thread so far, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
