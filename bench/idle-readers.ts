/** What 5,000 readers cost that just wait: runs sse-idle.ts on the system's Postgres, in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type BenchSystem, cleanEnvironment, ROOT } from './bench-system.ts';
import { printTable } from './stats.ts';

const READERS = 5_000;

export async function benchIdleReaders(system: BenchSystem): Promise<void> {
  const database = new URL(system.ready.database_url);
  database.pathname = '/postgres';
  const rows: string[][] = [];
  let head: string[] = [];
  for (const turns of [1, 500]) {
    const figures = await measure(database.href, turns);
    head = Object.keys(figures);
    rows.push(Object.values(figures).map(String));
  }
  printTable('Idle readers on one API process (target: 150 MB above the idle process)', head, rows);
}

async function measure(databaseUrl: string, turns: number): Promise<Record<string, number>> {
  const script = join(ROOT, 'bench/sse-idle.ts');
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=16', script, String(READERS), String(turns)],
    {
      cwd: ROOT,
      env: { ...cleanEnvironment(), COPILOT_TEST_DATABASE_URL: databaseUrl },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  return JSON.parse(output) as Record<string, number>;
}
