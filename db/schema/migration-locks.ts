/**
 * What keeps migrations apart from each other, and what a live system behind them waits for.
 *
 * Two advisory locks. The gate is held by one migrating process from its first to its last step. The step lock is held
 * for one transaction at a time; it is the lock that processes of the first release wait for, and they wait inside a
 * statement, whose snapshot would hold up an index that is built concurrently. So no such index is built under it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from '../../runtime/logger.ts';
import { isTransactionConflict, sqlStateOf } from '../connection/pg-errors.ts';

// "copilot" in ASCII, and the number after it.
const STEP_LOCK = '27973420219265908';
const GATE_LOCK = '27973420219265909';
const POLL_MS = 50;
const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;

/** Runs work while holding the step lock. The server gives it back when our connection ends, however that happens. */
export function withMigrationLock<T>(databaseUrl: string, work: () => Promise<T>): Promise<T> {
  return withAdvisoryLock(databaseUrl, STEP_LOCK, work);
}

/** Runs work as the only migrating process of this release or a later one. The gate comes before the step lock. */
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
    // Asked again and again: a statement that waited would hold its snapshot, and with it every concurrent index build.
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
 * Does a step again, with growing pauses, for as long as it meets locks of others. Between two tries it holds nothing,
 * so whoever queued up behind it goes on.
 */
export async function whileLocked<T>(
  { step, logger }: { step: string; logger: Logger },
  work: () => Promise<T>,
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
    try {
      return await work();
    } catch (error: unknown) {
      // 55P03: lock_not_available, a lock_timeout included.
      if (sqlStateOf(error) !== '55P03' && !isTransactionConflict(error)) throw error;
      logger.warn({ step, pauseMs: pause, err: error }, 'a migration met a held lock; trying again');
      await delay(pause);
    }
  }
}
