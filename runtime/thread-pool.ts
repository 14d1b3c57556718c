/**
 * Threads for pure work that would block the main thread: a large graph, a long program, a body of megabytes. The pool is
 * bounded in threads, bytes of inputs, time and memory. A task beyond a bound fails alone. Inputs and results are copied on
 * the main thread: pass text, which is cheap to copy, and not trees of objects.
 */
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { codeOf, isTaskTooLarge } from '../contracts/thrown-codes.ts';

/** Thrown when a task took longer than its limit, including the wait for a thread. The task was ended. */
export class TaskTimeoutError extends Error {
  readonly code = 'TASK_TIMEOUT';
  readonly task: string;
  /** Whether all threads were busy when the task came. A task that did not wait is too slow by itself. */
  readonly waited: boolean;

  constructor(task: string, limitMs: number, waited: boolean) {
    super(
      `${task} took longer than ${limitMs} ms${waited ? ' with its wait for a thread' : ''} and was ended`,
    );
    this.name = 'TaskTimeoutError';
    this.task = task;
    this.waited = waited;
  }
}

/** Thrown when the queue is full. The task may be tried again later. */
export class PoolBusyError extends Error {
  readonly code = 'POOL_BUSY';

  constructor() {
    super('too much work waits for a thread already');
    this.name = 'PoolBusyError';
  }
}

/** Thrown when the pool was closed before the task was done. */
export class PoolClosedError extends Error {
  readonly code = 'POOL_CLOSED';

  constructor(task: string, options?: ErrorOptions) {
    super(`the thread pool was closed before ${task} was done`, options);
    this.name = 'PoolClosedError';
  }
}

export interface ThreadPoolOptions {
  /** The module that exports the tasks: functions of one argument. Argument and result must be cloneable. */
  entry: URL;
  /** The time of a task, including its wait for a thread. */
  limitMs?: number;
  /** The most bytes of inputs, over all tasks that wait or run. */
  maxBytes?: number;
  maxThreads?: number;
  /** The heap limit of one thread. */
  maxHeapMb?: number;
}

export interface ThreadPool {
  /**
   * Runs a task in a thread. `bytes` is the approximate size of the input. Rejects with a copy of the task's error, without
   * its class; or with TaskTimeoutError, PoolBusyError, PoolClosedError, or the signal's reason.
   */
  run: <Result>(task: string, input: unknown, of: { bytes: number; signal?: AbortSignal }) => Promise<Result>;
  /** How many tasks run, and how many wait for a thread. */
  tasks(): { running: number; waiting: number };
  /** Ends the threads and rejects their tasks. May be called twice. */
  close(): Promise<void>;
}

const LIMIT_MS = 10_000;
const MAX_BYTES = 128 * 1024 * 1024;
const MAX_WAITING = 1_000;
/** An idle thread ends after this time. A new thread takes a third of a second to start. */
const IDLE_MS = 60_000;
const MAX_HEAP_MB = 768;

/** Creates a pool. Its threads start when there is work, and do not keep the process alive. The caller closes it. */
export function createThreadPool(options: ThreadPoolOptions): ThreadPool {
  const { entry, limitMs = LIMIT_MS, maxBytes = MAX_BYTES } = options;
  // At least two threads, so that a task that runs into its limit does not block all others.
  const maxThreads = options.maxThreads ?? Math.max(2, Math.min(4, availableParallelism() - 1));
  const pool = new Piscina({
    filename: entry.href,
    minThreads: 0,
    maxThreads,
    maxQueue: MAX_WAITING,
    idleTimeout: IDLE_MS,
    resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb ?? MAX_HEAP_MB },
    recordTiming: false,
  });
  let bytesHeld = 0;
  let tasksHeld = 0;
  let closed: Promise<void> | null = null;
  return {
    async run<Result>(
      task: string,
      input: unknown,
      { bytes, signal }: { bytes: number; signal?: AbortSignal },
    ) {
      if (closed) throw new PoolClosedError(task);
      if (bytesHeld + bytes > maxBytes || pool.queueSize >= MAX_WAITING) throw new PoolBusyError();
      const limit = AbortSignal.timeout(limitMs);
      const waits = tasksHeld >= maxThreads;
      bytesHeld += bytes;
      tasksHeld += 1;
      try {
        const both = signal ? AbortSignal.any([signal, limit]) : limit;
        return (await pool.run(input, { name: task, signal: both })) as Result;
      } catch (error: unknown) {
        signal?.throwIfAborted();
        if (closed) throw new PoolClosedError(task, { cause: error });
        if (limit.aborted) throw new TaskTimeoutError(task, limitMs, waits);
        throw error;
      } finally {
        bytesHeld -= bytes;
        tasksHeld -= 1;
      }
    },
    tasks: () => ({ running: tasksHeld - pool.queueSize, waiting: pool.queueSize }),
    close: () => (closed ??= pool.destroy()),
  };
}

/** Whether a task failed because of the pool's bounds: its time, its queue, or the memory of a thread. */
export function isPoolError(error: unknown): boolean {
  return isTaskTooLarge(error) || codeOf(error) === 'POOL_BUSY';
}

/** Whether a pool had no time for a task. The task itself may be fine: it can be tried later or in another process. */
export function isPassingPoolError(error: unknown): boolean {
  if (error instanceof TaskTimeoutError) return error.waited;
  return error instanceof PoolBusyError || error instanceof PoolClosedError;
}
