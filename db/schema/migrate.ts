/**
 * Migrates a database while it is in use. Any number of processes, of this release and the previous one, may run the
 * migrator at once. docs/migrations.md has the rules for new migrations.
 */
import type { Knex } from 'knex';
import { POSTGRES_MIGRATIONS } from '../../runtime/bounds.ts';
import type { Logger } from '../../runtime/logger.ts';
import { buildIndexes, type ConcurrentIndex } from './concurrent-index.ts';
import { createKnex } from '../connection/knex.ts';
import { whileLocked, withMigrationGate, withMigrationLock } from './migration-locks.ts';
import * as platformTables from '../migrations/20261124000001-platform-tables.ts';
import * as copilotTurns from '../migrations/20261124000002-copilot-turns.ts';
import * as ownAdditions from '../migrations/20261124000003-own-additions.ts';
import * as toolIndexes from '../migrations/20261124000005-tool-indexes.ts';
import * as confirmations from '../migrations/20261124000006-confirmations.ts';
import * as summaries from '../migrations/20261124000007-summaries.ts';
import * as claimCounts from '../migrations/20261125000010-claim-counts.ts';
import * as temporalIdentity from '../migrations/20261125000020-temporal-identity.ts';
import * as unreportedCalls from '../migrations/20261125000030-unreported-calls.ts';
import * as audit from '../migrations/20261125000040-audit.ts';
import * as turnPrincipals from '../migrations/20261125000050-turn-principals.ts';
import * as usagePrincipals from '../migrations/20261125000060-usage-principals.ts';
import * as limitCounts from '../migrations/20261125000070-limit-counts.ts';
import * as limitIndexes from '../migrations/20261125000080-limit-indexes.ts';
import * as counts from '../migrations/20261125000110-counts.ts';
import * as countCalls from '../migrations/20261125000120-count-calls.ts';
import * as countTurns from '../migrations/20261125000130-count-turns.ts';
import * as countDecisions from '../migrations/20261125000140-count-decisions.ts';
import * as openConfirmationsIndex from '../migrations/20261125000150-open-confirmations-index.ts';
import * as retention from '../migrations/20261125000160-retention.ts';
import * as retentionIndexes from '../migrations/20261125000170-retention-indexes.ts';
import { BUILT_BEFORE } from './platform-indexes.ts';

/** A migration changes the schema in one transaction, or builds indexes concurrently; never both. */
type NamedMigration = { name: string } & (Knex.Migration | { indexes: readonly ConcurrentIndex[] });

const MIGRATIONS: readonly NamedMigration[] = [
  { name: '20261124000001-platform-tables', ...platformTables },
  { name: '20261124000002-copilot-turns', ...copilotTurns },
  { name: '20261124000003-own-additions', ...ownAdditions },
  { name: '20261124000005-tool-indexes', ...toolIndexes },
  { name: '20261124000006-confirmations', ...confirmations },
  { name: '20261124000007-summaries', ...summaries },
  { name: '20261125000010-claim-counts', ...claimCounts },
  { name: '20261125000020-temporal-identity', ...temporalIdentity },
  { name: '20261125000030-unreported-calls', ...unreportedCalls },
  { name: '20261125000040-audit', ...audit },
  { name: '20261125000050-turn-principals', ...turnPrincipals },
  { name: '20261125000060-usage-principals', ...usagePrincipals },
  { name: '20261125000070-limit-counts', ...limitCounts },
  { name: '20261125000080-limit-indexes', ...limitIndexes },
  { name: '20261125000110-counts', ...counts },
  { name: '20261125000120-count-calls', ...countCalls },
  { name: '20261125000130-count-turns', ...countTurns },
  { name: '20261125000140-count-decisions', ...countDecisions },
  { name: '20261125000150-open-confirmations-index', ...openConfirmationsIndex },
  { name: '20261125000160-retention', ...retention },
  { name: '20261125000170-retention-indexes', ...retentionIndexes },
];

const SCHEMA = 'ai';
/**
 * A process of the first release exits when its table names a migration that it does not know. So later migrations are
 * recorded in a second table, and no code exits because of unknown rows in that table.
 */
const FIRST_TABLE = 'copilot_migrations';
const FIRST_TABLE_ENDS = '20261124000007-summaries';
const TABLE = 'copilot_migrations_v2';
/** How long a migration waits for a lock at a time. Statements that queue up behind it wait no longer than that. */
const LOCK_TIMEOUT = '500ms';

interface Options {
  databaseUrl: string;
  logger: Logger;
}

/** Runs every missing migration, each in its own transaction, then builds the missing indexes. */
export async function migrateDatabase(options: Options): Promise<void> {
  await migrateSchema(options);
  await migrateIndexes(options);
}

/**
 * Runs the missing migrations except those that only build indexes. A migration that can't get a lock is tried again
 * until it gets the lock. A migration that fails is rolled back; those before it stay.
 */
export async function migrateSchema(options: Options): Promise<void> {
  await withMigrator(options, async (db) => {
    // Looked up first: `create schema if not exists` needs the right to create schemas even when the schema exists.
    const { rows } = await db.raw<{ rows: unknown[] }>('select 1 from pg_namespace where nspname = ?', [
      SCHEMA,
    ]);
    if (rows.length === 0) {
      await withMigrationLock(options.databaseUrl, async () => {
        await db.raw(`create schema if not exists ${SCHEMA}`);
      });
    }
    const ran: string[] = [];
    for (const migration of await listMissing(db, (found) => 'up' in found)) {
      const before = BUILT_BEFORE[migration.name];
      if (before && (await haveRows(db, before.indexes, options)))
        await buildIndexes(before.indexes, options);
      if (await runMigration(db, migration, options)) ran.push(migration.name);
    }
    if (ran.length > 0) options.logger.info({ migrations: ran }, 'migrations done');
  });
}

/** Runs the missing migrations that only build indexes. On large tables this may take hours. */
export async function migrateIndexes(options: Options): Promise<void> {
  await withMigrator(options, async (db) => {
    for (const migration of await listMissing(db, (found) => 'indexes' in found)) {
      if ('indexes' in migration) await buildIndexes(migration.indexes, options);
      if (await runMigration(db, migration, options))
        options.logger.info({ migrations: [migration.name] }, 'migrations done');
    }
  });
}

/** Undoes all migrations. For tests, and for operators who remove the product. */
export async function rollbackDatabase(options: { databaseUrl: string }): Promise<void> {
  await withMigrator(options, async (db) => {
    await withMigrationLock(options.databaseUrl, async () => {
      for (const table of [TABLE, FIRST_TABLE]) {
        // The validation throws when a newer release has run migrations: that release must undo them.
        await db.migrate.rollback({ ...settingsOf(table), disableMigrationsListValidation: false }, true);
      }
    });
  });
}

/** True when this database has every migration that this code relies on. Migrations of newer releases do not matter. */
export async function migrationsCurrent(db: Knex): Promise<boolean> {
  return (await listMissing(db, (migration) => 'up' in migration)).length === 0;
}

async function withMigrator(
  { databaseUrl }: { databaseUrl: string },
  work: (db: Knex) => Promise<void>,
): Promise<void> {
  const db = createKnex({
    databaseUrl,
    applicationName: 'copilot-migrations',
    poolMax: 2,
    bounds: POSTGRES_MIGRATIONS,
  });
  try {
    await withMigrationGate(databaseUrl, () => work(db));
  } finally {
    await db.destroy();
  }
}

/** Runs one migration. Returns false when another process has run it meanwhile. */
async function runMigration(
  db: Knex,
  { name }: NamedMigration,
  { databaseUrl, logger }: Options,
): Promise<boolean> {
  const settings = settingsOf(tableOf(name));
  return whileLocked({ step: name, logger }, () =>
    withMigrationLock(databaseUrl, async () => {
      // knex's own lock is a row, which a killed process leaves behind. The advisory lock replaces it.
      if (await db.schema.withSchema(SCHEMA).hasTable(`${settings.tableName}_lock`))
        await db.migrate.forceFreeMigrationsLock(settings);
      const [, ran] = (await db.migrate.up({ ...settings, name })) as [number, string[]];
      return ran.length > 0;
    }),
  );
}

function tableOf(name: string): string {
  return name <= FIRST_TABLE_ENDS ? FIRST_TABLE : TABLE;
}

function settingsOf(table: string): Knex.MigratorConfig {
  return {
    migrationSource: {
      getMigrations: async () => MIGRATIONS.filter(({ name }) => tableOf(name) === table),
      getMigrationName: (migration: NamedMigration) => migration.name,
      getMigration: async (migration: NamedMigration) => toKnexMigration(migration),
    },
    schemaName: SCHEMA,
    tableName: table,
    disableMigrationsListValidation: true,
  };
}

function toKnexMigration(migration: NamedMigration): Knex.Migration {
  if ('indexes' in migration) {
    return {
      // buildIndexes has built the indexes. knex only records the migration.
      up: async () => undefined,
      down: async (trx) => {
        for (const { name } of migration.indexes) await trx.raw(`drop index if exists ${SCHEMA}.${name}`);
      },
    };
  }
  return {
    up: async (trx) => {
      await trx.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
      await trx.raw('set local statement_timeout = 0');
      const before = BUILT_BEFORE[migration.name];
      if (!before || !(await areBuilt(trx, before.indexes))) await migration.up(trx);
      else if (before.rest !== null) await trx.raw(before.rest);
    },
    down: (trx) => migration.down!(trx),
  };
}

async function areBuilt(trx: Knex, indexes: readonly ConcurrentIndex[]): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    'select 1 from unnest(?::text[]) n (name) join pg_index i on i.indexrelid = to_regclass(n.name) and i.indisvalid',
    [indexes.map(({ name }) => `${SCHEMA}.${name}`)],
  );
  return rows.length === indexes.length;
}

async function listMissing(
  db: Knex,
  isWanted: (migration: NamedMigration) => boolean,
): Promise<NamedMigration[]> {
  const done = new Set<string>();
  for (const table of [FIRST_TABLE, TABLE]) {
    const found = await db.raw<{ rows: { found: boolean }[] }>('select to_regclass(?) is not null as found', [
      `${SCHEMA}.${table}`,
    ]);
    if (!found.rows[0]?.found) continue;
    for (const row of await db(`${SCHEMA}.${table}`).select('name')) done.add((row as { name: string }).name);
  }
  return MIGRATIONS.filter((migration) => isWanted(migration) && !done.has(migration.name));
}

/** True when one of the tables holds a row. A plain CREATE INDEX is fast enough for empty tables. */
async function haveRows(
  db: Knex,
  indexes: readonly ConcurrentIndex[],
  { logger }: Options,
): Promise<boolean> {
  const tables = [...new Set(indexes.map(({ table }) => `exists (select 1 from ${SCHEMA}.${table})`))];
  return whileLocked({ step: 'looking for rows', logger }, () =>
    db.transaction(async (trx) => {
      await trx.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
      const { rows } = await trx.raw<{ rows: { found: boolean }[] }>(
        `select ${tables.join(' or ')} as found`,
      );
      return rows[0]!.found;
    }),
  );
}
