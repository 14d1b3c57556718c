/**
 * npm test: every check, on a stack of its own in a temporary folder. `npm test -- <text> ...` runs only the test files
 * whose path holds one of the texts, and no other checks.
 *
 * npm run soak: the test files that repeat what they do, with their long counts, then the memory soak. With texts, only
 * the files of them.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { installShutdown } from '../runtime/shutdown.ts';
import { findNpmParent } from '../runtime/process-identity.ts';
import { killGroup, killProcessesOf } from './support/leftovers.ts';

interface ReadyFile {
  database_url: string;
  temporal_address: string;
}

const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules/.bin');
const NODE = process.execPath;
const SLOWEST_FILES = join(ROOT, 'test/support/slowest-files.ts');
/** How a test file says that it has a long count: by itself, or by the recordings that it plays. */
const HAS_LONG_COUNT = /\/support\/(repeats|recordings)\.ts'/;
/** Process tests that measure time or memory run alone. */
const MEASURING = 'test/process/{commands,faults,killed-worker,races,stopping}.test.ts';
// The groups in the order of their speed: a plain mistake shows first.
const GROUPS = [
  { pattern: 'test/unit/**/*.test.ts', concurrency: 2 },
  { pattern: 'test/{workflows,replay,integration}/**/*.test.ts', concurrency: 2 },
  { pattern: 'test/browser/**/*.test.ts', concurrency: 2 },
  { pattern: 'test/process/**/*.test.ts', exclude: [MEASURING], concurrency: 2 },
  { pattern: MEASURING, concurrency: 1 },
];
const STACK_START_MS = 15 * 60_000;
/** The stack's own stop takes 10 s at most. */
const STOP_MS = 8_500;

const isSoak = process.argv[2] === 'soak';
const filters = process.argv.slice(3);
if (filters.length === 0 && !isSoak) {
  check('types', 'tsc', ['--noEmit']);
  check('types of the page', 'tsc', ['--noEmit', '-p', 'studio']);
  check('lint', 'oxlint', ['--type-aware', '--deny-warnings']);
  check('format', 'biome', ['format', '.']);
}
process.exitCode = await runTests();
if (isSoak && filters.length === 0 && process.exitCode === 0) await import('./soak/run.ts');

function check(name: string, command: string, args: string[]): void {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(join(BIN, command), args, { cwd: ROOT, stdio: 'inherit' });
  if (status === 0) return;
  console.error(`\n${name} failed`);
  process.exit(1);
}

async function runTests(): Promise<number> {
  const groups = GROUPS.map(({ pattern, exclude = [], concurrency }) => ({
    files: globSync(pattern, { cwd: ROOT, exclude })
      .filter((file) => filters.length === 0 || filters.some((text) => file.includes(text)))
      .filter((file) => !isSoak || HAS_LONG_COUNT.test(readFileSync(join(ROOT, file), 'utf8')))
      .sort(),
    concurrency,
  })).filter(({ files }) => files.length > 0);
  if (groups.length === 0) {
    console.error(`no test file matches ${filters.join(' or ')}`);
    return 1;
  }
  console.log('\n== stack');
  const folder = mkdtempSync(join(tmpdir(), 'copilot-test-'));
  // As root, Postgres runs as another user that must be able to pass through.
  chmodSync(folder, 0o711);
  const stack = spawn(NODE, [join(ROOT, 'bin/bootstrap.mjs'), 'stack'], {
    cwd: ROOT,
    env: { ...cleanEnvironment(), COPILOT_DATA_DIR: join(folder, 'data') },
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
      if (ended) return 1;
      console.log(`\n== ${files.length} test files: ${files[0]}${files.length > 1 ? ' ...' : ''}`);
      tests = spawn(
        NODE,
        [
          '--test',
          `--test-concurrency=${concurrency}`,
          '--test-timeout=600000',
          '--test-reporter=spec',
          '--test-reporter-destination=stdout',
          `--test-reporter=${SLOWEST_FILES}`,
          '--test-reporter-destination=stderr',
          ...files,
        ],
        {
          cwd: ROOT,
          env: {
            ...cleanEnvironment(),
            TMPDIR: folder,
            ...(isSoak ? { COPILOT_TEST_SOAK: '1' } : {}),
            COPILOT_TEST_DATABASE_URL: maintenance.href,
            COPILOT_TEST_TEMPORAL_ADDRESS: ready.temporal_address,
          },
          stdio: ['ignore', 'inherit', 'inherit'],
          detached: true,
        },
      );
      if ((await statusOf(tests)) !== 0) failed += 1;
    }
    if (failed > 0) console.error(`\n${failed} of ${groups.length} groups of tests failed`);
    return failed > 0 ? 1 : 0;
  } finally {
    await shutdown.run();
  }
}

/** The tests set their own configuration: nothing of the caller's leaks into them. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) =>
        !/^(COPILOT_|OPENAI_|ANTHROPIC_|TEMPORAL_|DATABASE_URL$|JWT_SECRET$|HOST$|PORT$|npm_lifecycle_event$|NODE_TEST_CONTEXT$)/.test(
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
