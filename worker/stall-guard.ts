/**
 * Ends a process whose main thread is stuck. Such a process does not react to a stop request. It keeps its polls open and
 * takes tasks that it never executes. A separate thread watches the main thread. It counts its own checks instead of reading
 * a clock, so a process that was paused as a whole does not count as stuck.
 */
import { inspect } from 'node:util';
import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';

const CHECK_MS = 500;
/** Twice the heartbeat timeout. By then other workers have taken over every call of this process. */
const STALL_MS = 8_000;

const WATCH = `
  const { workerData } = require('node:worker_threads');
  const { beats, checkMs, stallMs, pid } = workerData;
  const seen = new Int32Array(beats);
  let last = -1;
  let checks = 0;
  setInterval(() => {
    const now = Atomics.load(seen, 0);
    checks = now === last ? checks + 1 : 0;
    last = now;
    if (checks * checkMs < stallMs) return;
    require('node:fs').writeSync(2, JSON.stringify({
      level: 60, time: new Date().toISOString(), pid,
      msg: 'the main thread stood still for ' + stallMs + ' ms; the process ends itself',
    }) + '\\n');
    process.kill(pid, 'SIGKILL');
  }, checkMs);`;

/** Starts the watch and returns a function that ends it. A process that was started with a debugger is not watched. */
export function guardAgainstStalls(stallMs: number = STALL_MS): () => void {
  if (inspectorUrl() !== undefined) return () => undefined;
  const beats = new SharedArrayBuffer(4);
  const counter = new Int32Array(beats);
  const beat = setInterval(() => Atomics.add(counter, 0, 1), CHECK_MS / 2);
  const thread = new Worker(WATCH, {
    eval: true,
    workerData: { beats, checkMs: CHECK_MS, stallMs, pid: process.pid },
  });
  thread.on('error', (error) => console.error(`the stall guard ended: ${inspect(error)}`));
  thread.unref();
  beat.unref();
  return () => {
    clearInterval(beat);
    void thread.terminate();
  };
}
