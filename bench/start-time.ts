/** From the command to ready.json: a first start in an empty folder with warm caches, and a second one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanEnvironment, endChild, makeFolder, ROOT, untilReady } from './bench-system.ts';
import { median, printTable } from './stats.ts';

const ROUNDS = 5;

export async function benchStartTime(): Promise<void> {
  const first: number[] = [];
  const second: number[] = [];
  const stop: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const folder = makeFolder();
    try {
      for (const list of [first, second]) {
        const startedAt = performance.now();
        const child = launch(join(folder, 'data'));
        await untilReady(child, join(folder, 'data'));
        list.push(performance.now() - startedAt);
        const stoppedAt = performance.now();
        await endChild(child);
        // npm may go before the process that it started.
        while (existsSync(join(folder, 'data/lock.json'))) await delay(5);
        stop.push(performance.now() - stoppedAt);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const row = (name: string, list: number[], target: string): string[] => [
    name,
    ...[median(list), Math.max(...list)].map((ms) => (ms / 1_000).toFixed(1)),
    target,
  ];
  printTable(
    'npm start to ready (s)',
    ['', 'median', 'slowest', 'target'],
    [row('first start', first, '10'), row('second start', second, '5'), row('SIGTERM to exit', stop, '10')],
  );
}

function launch(data: string): ChildProcess {
  const env = { ...cleanEnvironment(), COPILOT_DATA_DIR: data, PORT: '0', LOG_LEVEL: 'warn' };
  return spawn('npm', ['start'], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
}
