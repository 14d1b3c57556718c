/** The knex factory. Every statement names its schema; nothing relies on a search path. */
import knex, { type Knex } from 'knex';
import { POSTGRES_LONG, type PostgresBounds } from '../../runtime/bounds.ts';
import type { BoundedClient } from './pg-client.ts';
import { createPool } from './pg-pool.ts';

/**
 * A pool on one database. int8 and numeric arrive as strings (cast in SQL where a number is wanted). A database that
 * is away fails within three seconds, one that falls silent within the bounds (runtime/bounds.ts). The caller
 * destroys it.
 */
export function createKnex(options: {
  databaseUrl: string;
  applicationName: string;
  poolMax?: number;
  /** Default: those of requests and activities. */
  bounds?: PostgresBounds;
}): Knex {
  const pool = createPool(
    {
      connectionString: options.databaseUrl,
      application_name: options.applicationName,
      max: options.poolMax ?? 16,
      ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
    },
    () => undefined,
  );
  const db = knex({
    client: 'pg',
    connectionPool: pool,
    asyncStackTraces: false,
    log: {
      warn: () => undefined,
      error: () => undefined,
      deprecate: () => undefined,
      debug: () => undefined,
    },
  });
  let ended: Promise<void> | null = null;
  // knex leaves a pool that it did not make to its owner.
  const destroy = async (): Promise<void> => {
    // What is under way gives its connection back to knex first.
    await (ended ??= pool.end());
    await db.client.destroy();
  };
  return Object.defineProperty(db, 'destroy', { value: destroy });
}

/**
 * Does work whose statements may take long (runtime/bounds.ts, POSTGRES_LONG) in a transaction of its own. Whatever
 * else uses the pool keeps its bounds.
 */
export function withLongBound<T>(db: Knex, work: (trx: Knex) => Promise<T>): Promise<T> {
  return db.transaction(async (trx) => {
    const client = (await trx.client.acquireConnection()) as BoundedClient;
    const { answerMs } = client;
    client.answerMs = POSTGRES_LONG.answerMs;
    try {
      await trx.raw(`set local statement_timeout = ${POSTGRES_LONG.statementMs}`);
      return await work(trx);
    } finally {
      client.answerMs = answerMs;
    }
  });
}
