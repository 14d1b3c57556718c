import { setTimeout as delay } from 'node:timers/promises';
import { migrateIndexes, migrateSchema } from '../db/schema/migrate.ts';
import { isTransient, sqlStateOf } from '../db/connection/pg-errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Shutdown } from '../runtime/shutdown.ts';

const RETRY_MS = 1_000;
/** The SQLSTATE insufficient_privilege. */
const INSUFFICIENT_PRIVILEGE = '42501';
const NOT_ALLOWED =
  'this login may not change the schema; run `npm run migrate` with the login of the owner (docs/postgres-role.md)';

/**
 * Migrates the database of DATABASE_URL as soon as it can be reached. Resolves when the schema is current; the worker waits
 * for that, while the API starts and reports missing migrations at /readyz. Missing indexes are built afterwards, and
 * nothing waits for them. The embedded stack migrates its own database. A login without the right to change the schema waits
 * until another process has migrated it.
 */
export async function migrateInBackground(options: {
  databaseUrl: string;
  logger: Logger;
  shutdown: Shutdown;
}): Promise<void> {
  let stopping = false;
  options.shutdown.add('the migrations', () => {
    stopping = true;
  });
  let hasWarned = false;
  while (!stopping) {
    try {
      await migrateSchema(options);
      break;
    } catch (error: unknown) {
      const mayNot = sqlStateOf(error) === INSUFFICIENT_PRIVILEGE;
      if (!mayNot && !isTransient(error)) throw error;
      if (!mayNot)
        options.logger.warn({ err: error }, 'the database could not be migrated yet; trying again');
      else if (!hasWarned) options.logger.error({ err: error }, NOT_ALLOWED);
      hasWarned ||= mayNot;
      await delay(RETRY_MS);
    }
  }
  if (stopping) return;
  migrateIndexes(options).catch((error: unknown) => {
    if (sqlStateOf(error) === INSUFFICIENT_PRIVILEGE) options.logger.error({ err: error }, NOT_ALLOWED);
    else options.logger.error({ err: error }, 'indexes could not be built; the next start tries again');
  });
}
