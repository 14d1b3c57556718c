import { setTimeout as delay } from 'node:timers/promises';
import { migrateIndexes, migrateSchema } from '../db/schema/migrate.ts';
import { isConnectionError } from '../db/connection/pg-errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Shutdown } from '../runtime/shutdown.ts';

const RETRY_MS = 1_000;

/**
 * Migrates the database of DATABASE_URL as soon as it can be reached. Resolves when the schema is current; the worker waits
 * for that, while the API starts and reports missing migrations at /readyz. Missing indexes are built afterwards, and
 * nothing waits for them. The embedded stack migrates its own database.
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
  while (!stopping) {
    try {
      await migrateSchema(options);
      break;
    } catch (error: unknown) {
      if (!isConnectionError(error)) throw error;
      options.logger.warn({ err: error }, 'the database is not reachable; migrating when it is');
      await delay(RETRY_MS);
    }
  }
  if (stopping) return;
  migrateIndexes(options).catch((error: unknown) => {
    options.logger.error({ err: error }, 'indexes could not be built; the next start tries again');
  });
}
