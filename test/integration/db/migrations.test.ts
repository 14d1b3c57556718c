/** The migrations against an empty database, a platform's own one, and each other. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { dumpSchema } from '../../../db/schema/dump-schema.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { migrateDatabase, migrationsCurrent, rollbackDatabase } from '../../../db/schema/migrate.ts';
import { seedSampleProject } from '../../../db/schema/seed.ts';
import { createTestDatabase, type TestDatabase } from '../../support/api-database.ts';
import { silentLogger as logger } from '../../support/test-api.ts';

const made: TestDatabase[] = [];

async function emptyDatabase(): Promise<string> {
  const database = await createTestDatabase({ empty: true });
  made.push(database);
  return database.url;
}

async function withDatabase<T>(
  databaseUrl: string,
  work: (db: ReturnType<typeof createKnex>) => PromiseLike<T>,
): Promise<T> {
  const db = createKnex({ databaseUrl, applicationName: 'test', poolMax: 2 });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

after(async () => {
  for (const database of made) await database.drop();
});

test('an empty database gets the schema that is committed in db/schema.sql', async () => {
  const databaseUrl = await emptyDatabase();
  await withDatabase(databaseUrl, async (db) => assert.equal(await migrationsCurrent(db), false));
  await migrateDatabase({ databaseUrl, logger });
  const dumped = await withDatabase(databaseUrl, async (db) => {
    assert.equal(await migrationsCurrent(db), true);
    return dumpSchema(db);
  });
  assert.equal(
    dumped,
    readFileSync(new URL('../../../db/schema.sql', import.meta.url), 'utf8'),
    'run: npm run db:dump',
  );
});

test('npm run migrate brings DATABASE_URL up to date and exits', async () => {
  const databaseUrl = await emptyDatabase();
  const bootstrap = new URL('../../../bin/bootstrap.mjs', import.meta.url).pathname;
  const migrate = () =>
    spawnSync(process.execPath, [bootstrap, 'migrate'], {
      env: { ...process.env, DATABASE_URL: databaseUrl },
      encoding: 'utf8',
    });
  for (const { status, stdout } of [migrate(), migrate()])
    assert.deepEqual([status, stdout], [0, 'The database is up to date.\n']);
  await withDatabase(databaseUrl, async (db) => assert.equal(await migrationsCurrent(db), true));
});

test("a database that holds the platform's tables with rows keeps every row as it is", async () => {
  const databaseUrl = await emptyDatabase();
  await withDatabase(databaseUrl, async (db) =>
    db.raw(`
      create schema ai;
      create table ai.workflows (id uuid primary key, name varchar(255) not null, description text, variables jsonb default '{}', version int default 1,
        color varchar(50), state varchar(20), webhook_armed_until timestamptz, schedule_config jsonb, schedule_run_count int, last_scheduled_at timestamptz,
        created_at timestamptz default now(), updated_at timestamptz default now(), platforms_own_column text default 'kept');
      create table ai.copilot_sessions (id uuid primary key, workflow_id uuid references ai.workflows (id) on delete cascade, created_at timestamptz default now(), updated_at timestamptz default now());
      create table ai.project_settings (key varchar(255) primary key, value text, updated_at timestamptz);
      insert into ai.workflows (id, name) values ('11111111-1111-4111-8111-111111111111', 'Theirs');
      insert into ai.copilot_sessions (id, workflow_id) values ('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111');
      insert into ai.project_settings (key, value) values ('copilot_model', 'gpt-4o');
    `),
  );
  const rows = () =>
    withDatabase(databaseUrl, async (db) => [
      (await db.raw<{ rows: unknown[] }>('select * from ai.workflows')).rows,
      (
        await db.raw<{ rows: unknown[] }>(
          'select id, workflow_id, created_at, updated_at from ai.copilot_sessions',
        )
      ).rows,
      (await db.raw<{ rows: unknown[] }>('select * from ai.project_settings')).rows,
    ]);
  const before = await rows();
  await migrateDatabase({ databaseUrl, logger });
  assert.deepEqual(await rows(), before);
  assert.equal(await seedSampleProject({ databaseUrl }), null, 'a database in use gets no sample');
  await rollbackDatabase({ databaseUrl });
  assert.deepEqual((await rows()).slice(0, 2), before.slice(0, 2));
  await migrateDatabase({ databaseUrl, logger });
});

test('several processes may migrate and make the sample at once', async () => {
  const databaseUrl = await emptyDatabase();
  await Promise.all([1, 2, 3].map(() => migrateDatabase({ databaseUrl, logger })));
  const samples = await Promise.all([1, 2, 3].map(() => seedSampleProject({ databaseUrl })));
  assert.equal(new Set(samples).size, 1);
  const counts = await withDatabase(databaseUrl, async (db) => {
    const { rows } = await db.raw<{ rows: Record<string, number>[] }>(`select
      (select count(*)::int from ai.workflows) as workflows, (select count(*)::int from ai.agents) as agents,
      (select count(*)::int from ai.sources) as sources, (select count(*)::int from ai.workflow_executions where status = 'failed') as failed,
      (select count(*)::int from ai.workflow_executions where status = 'completed') as completed,
      (select count(*)::int from public.customers) as customers, (select count(*)::int from public.orders) as orders,
      (select count(*)::int from public.orders where ordered_at > now() - interval '7 days') as last_week`);
    return rows[0]!;
  });
  assert.deepEqual(
    [counts.workflows, counts.agents, counts.sources, counts.failed, counts.completed],
    [2, 2, 3, 4, 9],
  );
  assert.ok(counts.customers! > 50 && counts.orders! > 200 && counts.last_week! > 10);
});

test('a sample that was deleted never comes back', async () => {
  const databaseUrl = await emptyDatabase();
  await migrateDatabase({ databaseUrl, logger });
  const id = (await seedSampleProject({ databaseUrl }))!;
  assert.equal(await seedSampleProject({ databaseUrl }), id);
  await withDatabase(databaseUrl, (db) => db.raw('delete from ai.workflows'));
  assert.equal(await seedSampleProject({ databaseUrl }), null);
});
