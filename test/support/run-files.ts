/** Runs test files, so many at once, in the order in which they are given: `run-files.ts <concurrency> <file> ...`. */
import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import slowestFiles from './slowest-files.ts';

const FILE_TIMEOUT_MS = 600_000;
const [concurrency, ...files] = process.argv.slice(2);

const events = run({
  files: files.map((file) => resolve(file)),
  concurrency: Number(concurrency),
  timeout: FILE_TIMEOUT_MS,
});
// Until all files have told their end, and told that it is a good one.
process.exitCode = 1;
events.on('test:summary', ({ file, success }) => {
  if (file === undefined) process.exitCode = success ? 0 : 1;
});
events.compose(new spec()).pipe(process.stdout);
events.compose(slowestFiles).pipe(process.stderr);
