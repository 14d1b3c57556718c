/** Migrations of a database that others use meanwhile: old processes, the platform's writers, long transactions. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import type { Knex } from 'knex';
import { dumpSchema } from '../../../db/schema/dump-schema.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { migrateDatabase, migrationsCurrent, rollbackDatabase } from '../../../db/schema/migrate.ts';
import * as ownAdditions from '../../../db/migrations/20261124000003-own-additions.ts';
import * as toolIndexes from '../../../db/migrations/20261124000005-tool-indexes.ts';
import { rowsOf } from '../../../db/connection/sql-rows.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { silentLogger as logger } from '../../support/test-api.ts';
import { until } from '../../support/until.ts';

const SCHEMA = readFileSync(new URL('../../../db/schema.sql', import.meta.url), 'utf8');
/** What a writer of the platform waits for at most. */
const WRITER_LIMIT = '1s';
let own: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;

before(async () => {
  own = await createTestDatabase({ empty: true });
  db = createKnex({ databaseUrl: own.url, applicationName: 'test', poolMax: 8 });
});
after(async () => {
  await db?.destroy();
  await own?.drop();
});
/** A database of the platform with rows in it, to which our additions are still to come. */
beforeEach(async () => {
  await db.raw('drop schema if exists ai cascade');
  await migrateDatabase({ databaseUrl: own.url, logger });
  await db.raw(`
    insert into ai.workflows (name) select 'W' || n from generate_series(1, 10) n;
    insert into ai.copilot_sessions (workflow_id) select id from ai.workflows;
    insert into ai.agents (name) select 'Agent ' || n % 50 from generate_series(1, 1000) n;
  `);
  await toolIndexes.down(db);
  await ownAdditions.down(db);
  await db.raw(
    `delete from ai.copilot_migrations where name in ('20261124000003-own-additions', '20261124000005-tool-indexes')`,
  );
  assert.equal(await migrationsCurrent(db), false);
});

/** Writes a row as the platform does; fails when it has to wait for too long. */
async function write(table: string): Promise<void> {
  await db.transaction(async (trx) => {
    await trx.raw(`set local statement_timeout = '${WRITER_LIMIT}'`);
    await trx.raw(
      `update ai.${table} set created_at = now() where id = (select max(id::text)::uuid from ai.${table})`,
    );
  });
}

/** The statements of migrating processes that wait for a lock. */
async function waitingMigrations(): Promise<string[]> {
  const rows = await rowsOf<{ query: string }>(
    db,
    `select query from pg_stat_activity
     where datname = current_database() and application_name = 'copilot-migrations' and wait_event_type = 'Lock'`,
  );
  return rows.map(({ query }) => query);
}

/** Waits for a migration that waits for a lock. */
const untilWaiting = (part: string): Promise<void> =>
  until(
    `a migration waits with ${part}`,
    async () => (await waitingMigrations()).some((query) => query.includes(part)),
    { limitMs: 20_000, everyMs: 10 },
  );

async function isStepLockFree(): Promise<boolean> {
  return db.transaction(async (trx) => {
    const rows = await rowsOf<{ free: boolean }>(
      trx,
      `select pg_try_advisory_xact_lock(27973420219265908::bigint) as free`,
    );
    return rows[0]!.free;
  });
}

test('an index build waits for a long transaction, and no writer and no old process waits for the build', async () => {
  const holder = await db.transaction();
  let migrating: Promise<void> | null = null;
  try {
    await holder.raw(`update ai.agents set model = 'held' where name = 'Agent 1'`);
    migrating = migrateDatabase({ databaseUrl: own.url, logger });
    await untilWaiting('copilot_agents_name_idx');
    for (let n = 0; n < 20; n += 1) await write('agents');
    assert.ok(
      await isStepLockFree(),
      'a process of the first release would wait, and the build for its snapshot',
    );
    assert.ok((await waitingMigrations()).length > 0, 'the build has not ended meanwhile');
    await holder.commit();
    await migrating;
  } finally {
    if (!holder.isCompleted()) await holder.rollback();
    await migrating;
  }
  assert.equal(await dumpSchema(db), SCHEMA);
  assert.equal(await migrationsCurrent(db), true);
});

test('a new column waits for a long transaction in short turns, and writers behind it go on', async () => {
  const holder = await db.transaction();
  const warnings: { step: string }[] = [];
  const hearing = {
    ...logger,
    warn: (fields: { step: string }) => void warnings.push(fields),
  } as typeof logger;
  let migrating: Promise<void> | null = null;
  try {
    await db.raw(
      `create index copilot_sessions_workflow_idx on ai.copilot_sessions (workflow_id, created_at desc)`,
    );
    await holder.raw(
      `update ai.copilot_sessions set created_at = now() where id = (select min(id::text)::uuid from ai.copilot_sessions)`,
    );
    migrating = migrateDatabase({ databaseUrl: own.url, logger: hearing });
    await untilWaiting('add column');
    const isTrying = (): boolean => warnings.filter(({ step }) => step.includes('own-additions')).length >= 2;
    do await write('copilot_sessions');
    while (!isTrying());
    await holder.commit();
    await migrating;
  } finally {
    if (!holder.isCompleted()) await holder.rollback();
    await migrating;
  }
  assert.equal(await dumpSchema(db), SCHEMA);
});

test('an index that an ended build left INVALID is built again', async () => {
  // Unique over names that are not: the build fails, and leaves what it began.
  await assert.rejects(
    db
      .raw('create unique index concurrently copilot_agents_name_idx on ai.agents (name)')
      .then(() => undefined),
  );
  const isValid = async (): Promise<boolean | undefined> =>
    (
      await rowsOf<{ valid: boolean }>(
        db,
        `select indisvalid as valid from pg_index where indexrelid = to_regclass('ai.copilot_agents_name_idx')`,
      )
    )[0]?.valid;
  assert.equal(await isValid(), false);
  await migrateDatabase({ databaseUrl: own.url, logger });
  assert.equal(await isValid(), true);
  assert.equal(await dumpSchema(db), SCHEMA);
});

test('rows of a newer release are no reason to stop, in either table', async () => {
  await migrateDatabase({ databaseUrl: own.url, logger });
  const known = (
    await rowsOf<{ name: string }>(db, 'select name from ai.copilot_migrations order by id')
  ).map(({ name }) => name);
  assert.deepEqual(
    known.toSorted(),
    [
      '20261124000001-platform-tables',
      '20261124000002-copilot-turns',
      '20261124000003-own-additions',
      '20261124000005-tool-indexes',
      '20261124000006-confirmations',
      '20261124000007-summaries',
    ],
    'the first release ends when this table holds anything else',
  );
  await db.raw(`insert into ai.copilot_migrations_v2 (name, batch) values ('20991231000001-later', 99)`);
  assert.equal(await migrationsCurrent(db), true);
  await migrateDatabase({ databaseUrl: own.url, logger });
  await assert.rejects(
    rollbackDatabase({ databaseUrl: own.url }),
    'only the newer release can undo what it did',
  );
  assert.equal(await migrationsCurrent(db), true);
});

test('no new migration builds an index under a lock on a table that was there before', () => {
  const room = new URL('../../../db/migrations/', import.meta.url);
  const later = readdirSync(room).filter((name) => name > '20261124000007-summaries.ts');
  assert.ok(later.length > 0);
  for (const name of later) {
    const text = readFileSync(new URL(name, room), 'utf8');
    for (const [, table] of text.matchAll(/create\s+(?:unique\s+)?index[^;]*?\bon\s+ai\.(\w+)/gi))
      assert.match(
        text,
        new RegExp(`create table ai\\.${table!}\\b`),
        `${name}: export indexes for ${table!}`,
      );
  }
});
