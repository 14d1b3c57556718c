/** Brings a database up to date. Any number of processes may do it at once. */
import type { Knex } from 'knex';
import { POSTGRES_MIGRATIONS } from '../runtime/bounds.ts';
import type { Logger } from '../runtime/logger.ts';
import { createKnex } from './knex.ts';
import { BoundedClient } from './pg-client.ts';
import * as platformTables from './migrations/20261124000001-platform-tables.ts';
import * as copilotTurns from './migrations/20261124000002-copilot-turns.ts';
import * as ownAdditions from './migrations/20261124000003-own-additions.ts';
import * as toolIndexes from './migrations/20261124000005-tool-indexes.ts';
import * as confirmations from './migrations/20261124000006-confirmations.ts';
import * as summaries from './migrations/20261124000007-summaries.ts';

interface NamedMigration extends Knex.Migration {
  name: string;
}

const MIGRATIONS: readonly NamedMigration[] = [
  { name: '20261124000001-platform-tables', ...platformTables },
  { name: '20261124000002-copilot-turns', ...copilotTurns },
  { name: '20261124000003-own-additions', ...ownAdditions },
  { name: '20261124000005-tool-indexes', ...toolIndexes },
  { name: '20261124000006-confirmations', ...confirmations },
  { name: '20261124000007-summaries', ...summaries },
];

// "copilot" in ASCII: one key for migrations and for the sample project.
const ADVISORY_LOCK = '27973420219265908';
const SCHEMA = 'ai';
const TABLE = 'copilot_migrations';

const SETTINGS: Knex.MigratorConfig = {
  migrationSource: {
    getMigrations: async () => [...MIGRATIONS],
    getMigrationName: (migration: NamedMigration) => migration.name,
    getMigration: async (migration: NamedMigration) => migration,
  },
  schemaName: SCHEMA,
  tableName: TABLE,
};

/** Runs work while holding the lock. The server gives it back when our connection ends, however that happens. */
export async function withMigrationLock<T>(databaseUrl: string, work: () => Promise<T>): Promise<T> {
  const client = new BoundedClient({
    connectionString: databaseUrl,
    application_name: 'copilot-migrations',
    bounds: POSTGRES_MIGRATIONS,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1::bigint)', [ADVISORY_LOCK]);
    return await work();
  } finally {
    await client.end();
  }
}

/** Runs the missing migrations under the advisory lock, all in one transaction: a failure leaves nothing behind. */
export async function migrateDatabase(options: { databaseUrl: string; logger: Logger }): Promise<void> {
  const db = createKnex({
    databaseUrl: options.databaseUrl,
    applicationName: 'copilot-migrations',
    poolMax: 2,
    bounds: POSTGRES_MIGRATIONS,
  });
  try {
    await withMigrationLock(options.databaseUrl, async () => {
      // `if not exists` would still ask for the right to create schemas, which a deployment that has ours may not give.
      const { rows } = await db.raw<{ rows: unknown[] }>('select 1 from pg_namespace where nspname = ?', [
        SCHEMA,
      ]);
      if (rows.length === 0) await db.raw(`create schema ${SCHEMA}`);
      // knex's own lock is a row that a killed process leaves behind; ours is the advisory lock.
      if (await db.schema.withSchema(SCHEMA).hasTable(`${TABLE}_lock`))
        await db.migrate.forceFreeMigrationsLock(SETTINGS);
      const [, ran] = (await db.migrate.latest(SETTINGS)) as [number, string[]];
      if (ran.length > 0) options.logger.info({ migrations: ran }, 'migrations done');
    });
  } finally {
    await db.destroy();
  }
}

/** Undoes all migrations that can be undone. For tests and for operators who remove the product. */
export async function rollbackDatabase(options: { databaseUrl: string }): Promise<void> {
  const db = createKnex({
    databaseUrl: options.databaseUrl,
    applicationName: 'copilot-migrations',
    poolMax: 2,
    bounds: POSTGRES_MIGRATIONS,
  });
  try {
    await withMigrationLock(options.databaseUrl, () => db.migrate.rollback(SETTINGS, true));
  } finally {
    await db.destroy();
  }
}

/** True when every migration has run in this database. */
export async function migrationsCurrent(db: Knex): Promise<boolean> {
  const found = await db.raw<{ rows: { found: boolean }[] }>('select to_regclass(?) is not null as found', [
    `${SCHEMA}.${TABLE}`,
  ]);
  if (!found.rows[0]?.found) return false;
  const done = new Set(
    (await db(`${SCHEMA}.${TABLE}`).select('name')).map((row: { name: string }) => row.name),
  );
  return MIGRATIONS.every((migration) => done.has(migration.name));
}
