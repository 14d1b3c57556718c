/**
 * npm test: every check, on a stack of its own in a temporary folder. `npm test -- <text> ...` runs only the test files
 * whose path holds one of the texts, and no other checks.
 *
 * `npm test -- --cluster <text> ...` runs them on the production Temporal server with 4 history shards, `--cluster=512` with
 * 512.
 *
 * npm run soak: the test files that repeat what they do, with their long counts, then the memory soak. With texts, only
 * the files of them. COPILOT_SOAK_SHARE (0 to 1) takes that part of the way from the short counts to the long ones.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { installShutdown } from '../runtime/shutdown.ts';
import { findNpmParent } from '../runtime/process-identity.ts';
import { checkAll } from './support/checks.ts';
import { killGroup, killProcessesOf } from './support/leftovers.ts';
import { planFiles } from './support/plan-files.ts';

interface ReadyFile {
  database_url: string;
  temporal_address: string;
}

const ROOT = join(import.meta.dirname, '..');
const NODE = process.execPath;
const STACK_START_MS = 15 * 60_000;
/** The stack's own stop takes 10 s at most. */
const STOP_MS = 8_500;

const startedAt = performance.now();
const isSoak = process.argv[2] === 'soak';
const options = process.argv.slice(3).filter((text) => text.startsWith('--'));
const filters = process.argv.slice(3).filter((text) => !text.startsWith('--'));
const shards = readShards();
const soakShare = process.env.COPILOT_SOAK_SHARE ?? '1';
if (!(Number(soakShare) >= 0 && Number(soakShare) <= 1)) {
  console.error('COPILOT_SOAK_SHARE must be a number from 0 to 1.');
  process.exit(1);
}
const isWhole = filters.length === 0 && !isSoak;
process.exitCode = (isWhole && !(await checkAll())) || !(await runFiles()) ? 1 : 0;
if (isSoak && filters.length === 0 && process.exitCode === 0) await import('./soak/run.ts');

/** The number of shards of `--cluster`; null without the option. */
function readShards(): string | null {
  const [option, ...others] = options;
  const match = /^--cluster(?:=(\d+))?$/.exec(option ?? '--cluster');
  if (match === null || others.length > 0) {
    console.error(`The options ${options.join(' ')} are not known: write --cluster or --cluster=<shards>.`);
    process.exit(1);
  }
  return option === undefined ? null : (match[1] ?? '4');
}

/** Runs the test files on a stack. False when one failed. */
async function runFiles(): Promise<boolean> {
  // What checkAll has run is not run again.
  const groups = planFiles({ filters, isSoak, withUnit: !isWhole });
  if (groups.length === 0) {
    console.error(`no test file matches ${filters.join(' or ')}`);
    return false;
  }
  console.log('\n== stack');
  const folder = mkdtempSync(join(tmpdir(), 'copilot-test-'));
  // As root, Postgres runs as another user that must be able to pass through.
  chmodSync(folder, 0o711);
  const stack = spawn(NODE, [join(ROOT, 'bin/bootstrap.mjs'), shards === null ? 'stack' : 'cluster'], {
    cwd: ROOT,
    env: {
      ...cleanEnvironment(),
      COPILOT_DATA_DIR: join(folder, 'data'),
      ...(shards === null ? {} : { COPILOT_CLUSTER_SHARDS: shards }),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let tests: ChildProcess | null = null;
  let ended = false;
  // However this run ends, by Ctrl-C, SIGTERM or the end of its npm, nothing that it started lives on.
  const shutdown = installShutdown({ parent: findNpmParent(process.env), interruptedCode: 1 });
  const clean = async (): Promise<void> => {
    ended = true;
    await Promise.all([killGroup(tests, STOP_MS), stop(stack)]);
    killProcessesOf(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  shutdown.add('the tests', clean, STOP_MS + 1_000);
  try {
    const ready = await untilReady(stack, join(folder, 'data/ready.json'));
    const maintenance = new URL(ready.database_url);
    maintenance.pathname = '/postgres';
    let failed = 0;
    for (const { files, concurrency } of groups) {
      if (ended) return false;
      console.log(`\n== ${files.length} test files, ${concurrency} at once: ${files[0]} ...`);
      tests = spawn(NODE, [join(ROOT, 'test/support/run-files.ts'), String(concurrency), ...files], {
        cwd: ROOT,
        env: {
          ...cleanEnvironment(),
          TMPDIR: folder,
          ...(isSoak ? { COPILOT_TEST_SOAK: soakShare } : {}),
          ...(shards === null ? {} : { COPILOT_TEST_CLUSTER: shards }),
          COPILOT_TEST_DATABASE_URL: maintenance.href,
          COPILOT_TEST_TEMPORAL_ADDRESS: ready.temporal_address,
        },
        stdio: ['ignore', 'inherit', 'inherit'],
        detached: true,
      });
      if ((await statusOf(tests)) !== 0) failed += 1;
    }
    if (failed > 0) console.error(`\n${failed} of ${groups.length} groups of tests failed`);
    console.log(`\n${failed > 0 ? 'failed' : 'all fine'} after ${minutesAndSeconds()}`);
    return failed === 0;
  } finally {
    await shutdown.run();
  }
}

function minutesAndSeconds(): string {
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
/** The tests set their own configuration: nothing of the caller's leaks into them. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) =>
        !/^(COPILOT_|OPENAI_|ANTHROPIC_|TEMPORAL_|OTEL_|DATABASE_URL$|JWT_SECRET$|HOST$|PORT$|npm_lifecycle_event$|NODE_TEST_CONTEXT$)/.test(
          key,
        ),
    ),
  );
}

async function untilReady(stack: ChildProcess, file: string): Promise<ReadyFile> {
  const until = Date.now() + STACK_START_MS;
  while (!existsSync(file)) {
    if (stack.exitCode !== null || Date.now() > until)
      throw new Error('the stack for the tests did not start');
    await delay(100);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as ReadyFile;
}

function statusOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  for (
    const until = Date.now() + STOP_MS;
    child.exitCode === null && child.signalCode === null;
    await delay(20)
  )
    if (Date.now() > until) child.kill('SIGKILL');
}
