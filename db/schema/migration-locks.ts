/**
 * Two advisory locks that keep migrating processes apart. A process holds the gate from its first migration to its last. It
 * holds the step lock for one transaction at a time. Processes of the first release wait for the step lock inside a
 * statement, and the snapshot of that statement would block a concurrent index build. So no index is built under the step
 * lock.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from '../../runtime/logger.ts';
import { isTransactionConflict, sqlStateOf } from '../connection/pg-errors.ts';

// Arbitrary numbers, the same in every release.
const STEP_LOCK = '27973420219265908';
const GATE_LOCK = '27973420219265909';
const POLL_MS = 50;
const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;

/** Runs `work` under the step lock. The server frees the lock when the connection ends, also when the process dies. */
export function withMigrationLock<T>(databaseUrl: string, work: () => Promise<T>): Promise<T> {
  return withAdvisoryLock(databaseUrl, STEP_LOCK, work);
}

/** Runs `work` under the gate. A process takes the gate before the step lock. The first release does not know the gate. */
export function withMigrationGate<T>(databaseUrl: string, work: () => Promise<T>): Promise<T> {
  return withAdvisoryLock(databaseUrl, GATE_LOCK, work);
}

async function withAdvisoryLock<T>(databaseUrl: string, key: string, work: () => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'copilot-migrations',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Polled: a statement that waits for the lock keeps its snapshot, which would block concurrent index builds.
    const taken = async (): Promise<boolean> =>
      (await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1::bigint) as taken', [key]))
        .rows[0]!.taken;
    while (!(await taken())) await delay(POLL_MS);
    return await work();
  } finally {
    await client.end();
  }
}

/**
 * Repeats `work`, with growing pauses, until it meets no held lock and no conflict. It holds no lock between two tries, so
 * statements that queued up behind it can go on.
 */
export async function whileLocked<T>(
  { step, logger }: { step: string; logger: Logger },
  work: () => Promise<T>,
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
    try {
      return await work();
    } catch (error: unknown) {
      // 55P03: lock_not_available, also raised by lock_timeout.
      if (sqlStateOf(error) !== '55P03' && !isTransactionConflict(error)) throw error;
      logger.warn({ step, pauseMs: pause, err: error }, 'a migration met a held lock; trying again');
      await delay(pause);
    }
  }
}
