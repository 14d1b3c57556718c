/**
 * The entry of the npm scripts. It runs on Node 20 with nothing installed. `start`, `test` and `soak` install missing
 * dependencies. On an older Node than 24, every command hands over to the packaged Node 24, which runs TypeScript directly.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const MIN_NODE = 24;
const SCRIPTS = {
  start: 'bin/start.ts',
  stack: 'bin/stack.ts',
  cluster: 'bin/cluster.ts',
  worker: 'bin/worker.ts',
  api: 'bin/api.ts',
  dev: 'bin/dev.ts',
  migrate: 'bin/migrate.ts',
  deployment: 'bin/deployment.ts',
  build: 'bin/build.ts',
  'db:dump': 'bin/dump-schema.ts',
  test: 'test/run.ts',
  'test:unit': 'test/check.ts',
  check: 'test/check.ts',
  bench: 'bench/run.ts',
  eval: 'eval/run.ts',
  soak: 'test/run.ts',
  'soak:memory': 'test/soak/run.ts',
};

const INSTALLING = ['start', 'test', 'soak'];

const command = process.argv[2] ?? '';
const script = SCRIPTS[command];
if (!script) fail(`usage: npm run ${Object.keys(SCRIPTS).join(' | ')}`);

if (!isInstalled()) {
  if (!INSTALLING.includes(command))
    fail(`The dependencies are not installed. Run \`npm ci\` first, then \`npm run ${command}\`.`);
  install();
}
keepCompiledModules();
const packaged = join(ROOT, 'node_modules/node/bin/node');
if (Number(process.versions.node.split('.')[0]) >= MIN_NODE)
  await import(pathToFileURL(join(ROOT, script)).href);
else if (existsSync(packaged)) handOver(packaged);
else
  fail(
    `Node ${MIN_NODE} or newer is needed to run without the development dependencies (this is ${process.version}). Install it, or run \`npm ci\`.`,
  );

/** Whether the dependencies are installed. For commands that install, also whether they are newer than the lockfile. */
function isInstalled() {
  const installed = join(ROOT, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const lockfile = join(ROOT, 'package-lock.json');
  return (
    !INSTALLING.includes(command) ||
    !existsSync(lockfile) ||
    statSync(lockfile).mtimeMs <= statSync(installed).mtimeMs + 60_000
  );
}

/**
 * Makes Node cache compiled modules, because compiling takes half of a start. Threads and child processes find the folder in
 * the environment. A NODE_COMPILE_CACHE of the caller has precedence. `npm ci` deletes the folder, and each file has only
 * one entry. When the folder can't be written, nothing is cached.
 */
function keepCompiledModules() {
  process.env.NODE_COMPILE_CACHE ??= join(ROOT, 'node_modules/.cache/compile');
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
}

function install() {
  console.log('Installing the dependencies (npm ci). The first time takes about half a minute...');
  const result = spawnSync('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (result.status === 0) return;
  fail(
    `npm ci failed${result.error ? ` (${result.error.message})` : ''}. Check that the npm registry can be reached from here (\`npm ping\`) and that the disk is not full, then run the command again.`,
  );
}

function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    cwd: process.cwd(),
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
