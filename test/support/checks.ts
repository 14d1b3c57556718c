/** The checks that need no stack. */
import { type ChildProcess, spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

interface Check {
  name: string;
  command: string;
  args: string[];
}

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'node_modules/.bin');
/** So many processes share the unit test files: a process for each file would spend most of its time on its start. */
const UNIT_PROCESSES = 2;

export const UNIT_TESTS: readonly Check[] = shareOut(globSync('test/unit/**/*.test.ts', { cwd: ROOT })).map(
  (files, index) => ({
    name: `unit tests ${index + 1} of ${UNIT_PROCESSES}`,
    command: process.execPath,
    args: ['--test', '--test-isolation=none', '--test-reporter=dot', ...files],
  }),
);
const CHECKS: readonly Check[] = [
  { name: 'lint', command: join(BIN, 'oxlint'), args: ['--type-aware', '--deny-warnings'] },
  { name: 'types', command: join(BIN, 'tsc'), args: ['--noEmit'] },
  { name: 'types of the page', command: join(BIN, 'tsc'), args: ['--noEmit', '-p', 'studio'] },
  ...UNIT_TESTS,
  { name: 'format', command: join(BIN, 'biome'), args: ['format', '.'] },
];

/** Runs checks side by side and prints what each said when it ends. False when one failed. */
export async function checkAll(checks: readonly Check[] = CHECKS): Promise<boolean> {
  const failed: string[] = [];
  await Promise.all(
    checks.map(async ({ name, command, args }) => {
      const startedAt = performance.now();
      const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
      const { status, output } = await endOf(child);
      const took = ((performance.now() - startedAt) / 1_000).toFixed(1);
      console.log(`\n== ${name}: ${status === 0 ? 'fine' : 'failed'} after ${took} s\n${output.trimEnd()}`);
      if (status !== 0) failed.push(name);
    }),
  );
  if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`);
  return failed.length === 0;
}

/** Every other file for each process: files of one folder cost about the same. */
function shareOut(files: readonly string[]): string[][] {
  const sorted = files.toSorted();
  return Array.from({ length: UNIT_PROCESSES }, (_, index) =>
    sorted.filter((_, at) => at % UNIT_PROCESSES === index),
  );
}

function endOf(child: ChildProcess): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    let output = '';
    const collect = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}
