/** The knex factory. Every statement names its schema, so no connection sets a search path. */
import knex, { type Knex } from 'knex';
import type { Pool } from 'pg';
import { POSTGRES_LONG, type PostgresBounds } from '../../runtime/bounds.ts';
import type { BoundedClient } from './pg-client.ts';
import { createPool } from './pg-pool.ts';

const pools = new WeakMap<Knex, Pool>();

/** How many connections of a knex are in use and idle, and how many statements wait for one. */
export function connectionsOf(db: Knex): { used: number; idle: number; waiting: number } {
  const { totalCount = 0, idleCount = 0, waitingCount = 0 } = pools.get(db) ?? {};
  return { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
}

/**
 * Creates a knex on a pool of its own. int8 and numeric arrive as strings; cast them in SQL where a number is wanted.
 * When the database is away or silent, statements fail within `bounds` (runtime/bounds.ts). The caller destroys it.
 */
export function createKnex(options: {
  databaseUrl: string;
  applicationName: string;
  poolMax?: number;
  /** Default: POSTGRES, the bounds of requests and activities. */
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
  pools.set(db, pool);
  let ended: Promise<void> | null = null;
  // knex does not end a pool that it did not create.
  const destroy = async (): Promise<void> => {
    // The pool ends first: running statements still need knex to release their connections.
    await (ended ??= pool.end());
    await db.client.destroy();
  };
  return Object.defineProperty(db, 'destroy', { value: destroy });
}

/**
 * Runs `work` in a transaction whose statements may take as long as POSTGRES_LONG (runtime/bounds.ts) allows. Other
 * users of the pool keep their shorter bounds.
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
