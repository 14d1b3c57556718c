/** The knex factory. Every statement names its schema; nothing relies on a search path. */
import knex, { type Knex } from 'knex';

const ACQUIRE_TIMEOUT_MS = 3_000;

/**
 * A pool on one database. int8 and numeric arrive as strings (cast in SQL where a number is wanted). A database that
 * is away fails within three seconds. The caller destroys it.
 */
export function createKnex(options: {
  databaseUrl: string;
  applicationName: string;
  poolMax?: number;
}): Knex {
  return knex({
    client: 'pg',
    connection: {
      connectionString: options.databaseUrl,
      application_name: options.applicationName,
      connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS,
      keepAlive: true,
    },
    pool: { min: 0, max: options.poolMax ?? 16, propagateCreateError: true },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    asyncStackTraces: false,
    log: {
      warn: () => undefined,
      error: () => undefined,
      deprecate: () => undefined,
      debug: () => undefined,
    },
  });
}
