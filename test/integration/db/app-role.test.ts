/** The role of API and worker: `npm run migrate -- --role`, and what the role may not do. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { APP_RIGHTS, AppRoleError, appUrl, setUpAppRole } from '../../../db/schema/app-role.ts';
import { migrateDatabase, migrationsCurrent } from '../../../db/schema/migrate.ts';
import { createSqlSandbox } from '../../../db/sql-sandbox/sql-sandbox.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { sqlStateOf } from '../../../db/connection/pg-errors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/api-database.ts';
import { silentLogger as logger } from '../../support/test-api.ts';

const role = `copilot_test_${randomBytes(4).toString('hex')}`;
const password = "it's a /@:%41 password";
let database: TestDatabase;
let url: string;

before(async () => {
  database = await createTestDatabase();
  url = appUrl({ databaseUrl: database.url, role, password });
});
after(async () => {
  await database?.drop();
  await query(process.env.COPILOT_TEST_DATABASE_URL!, `drop role if exists ${role}`);
});

async function query(
  databaseUrl: string,
  sql: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
const stateOf = (sql: string): Promise<string | null> => query(url, sql).then(() => null, sqlStateOf);

function migrate(env: Record<string, string>, ...args: string[]) {
  const bootstrap = new URL('../../../bin/bootstrap.mjs', import.meta.url).pathname;
  return spawnSync(process.execPath, [bootstrap, 'migrate', ...args], {
    env: { ...process.env, DATABASE_URL: database.url, ...env },
    encoding: 'utf8',
  });
}

test('every table of schema ai has its rights in the list, and the list names no other', async () => {
  const rows = await query(
    database.url,
    "select relname from pg_class where relnamespace = 'ai'::regnamespace and relkind = 'r'",
  );
  assert.deepEqual(Object.keys(APP_RIGHTS).toSorted(), rows.map(({ relname }) => String(relname)).toSorted());
});

test('npm run migrate -- --role makes the role, with its rights and nothing else, and may be repeated', async () => {
  const missing = migrate({}, '--role', role);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /There is no role .* Set COPILOT_APP_PASSWORD/);
  for (const wrong of [['--rolle', role], ['--role'], ['--role', ''], [role]]) {
    const { status, stderr } = migrate({}, ...wrong);
    assert.deepEqual([status, stderr.includes('usage: npm run migrate')], [1, true], wrong.join(' '));
  }
  for (let n = 0; n < 2; n += 1) {
    const { status, stdout, stderr } = migrate({ COPILOT_APP_PASSWORD: password }, '--role', role);
    assert.deepEqual(
      [status, stdout],
      [0, `The database is up to date.\nThe role ${role} has the rights of API and worker.\n`],
      stderr,
    );
    assert.ok(!`${stdout}${stderr}`.includes(password));
  }
  const [facts] = await query(
    url,
    `select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication as strong,
       exists (select 1 from pg_auth_members m where m.member = r.oid) as member,
       exists (select 1 from pg_class c where c.relowner = r.oid) as owner
     from pg_roles r where rolname = current_user`,
  );
  assert.deepEqual(facts, { strong: false, member: false, owner: false });
  const granted = await query(
    url,
    `select table_name, string_agg(lower(privilege_type), ', ' order by privilege_type) as rights
     from information_schema.table_privileges where grantee = current_user group by 1 order by 1`,
  );
  assert.deepEqual(
    granted.map(({ table_name, rights }) => [table_name, rights]),
    Object.entries(APP_RIGHTS)
      .filter(([, rights]) => rights.length > 0)
      .map(([table, rights]) => [table, rights.toSorted().join(', ')])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
});

test('the role changes no schema, truncates nothing, and reads no table of others', async () => {
  await setUpAppRole({ databaseUrl: database.url, role, password });
  await query(
    database.url,
    'create schema private; create table private.t (a int); create table public.theirs (a int)',
  );
  for (const sql of [
    'create table ai.x (a int)',
    'alter table ai.copilot_turns add column x int',
    'drop table ai.copilot_turns',
    'create index on ai.copilot_turns (status)',
    'truncate ai.copilot_turn_events',
    'create schema x',
    'create role x',
    'select * from public.theirs',
    'select * from private.t',
    'delete from ai.copilot_usage',
    "update ai.copilot_migrations set name = 'x'",
    'delete from ai.sources',
    'set session_replication_role = replica',
    "select pg_read_file('/etc/passwd')",
  ])
    assert.ok(['42501', '42000'].includes((await stateOf(sql)) ?? ''), `${sql}: ${await stateOf(sql)}`);
  assert.equal(await stateOf('select * from ai.copilot_turns'), null);
});

test('with the role, a migrated database is current, and a missing migration is an error that says so', async () => {
  await setUpAppRole({ databaseUrl: database.url, role, password });
  const db = createKnex({ databaseUrl: url, applicationName: 'test', poolMax: 1 });
  try {
    assert.equal(await migrationsCurrent(db), true);
    await migrateDatabase({ databaseUrl: url, logger });
    await query(database.url, "delete from ai.copilot_migrations_v2 where name like '%-temporal-identity'");
    await assert.rejects(migrateDatabase({ databaseUrl: url, logger }), { code: '42501' });
    assert.equal(await migrationsCurrent(db), false);
  } finally {
    await db.destroy();
  }
});

test('the SQL tool works with the role, on the tables that were there', async () => {
  await query(database.url, 'create table public.orders (id int); insert into public.orders values (1), (2)');
  await setUpAppRole({ databaseUrl: database.url, role, password });
  await query(database.url, 'create table public.later (id int)');
  const sandbox = createSqlSandbox({
    databaseUrl: url,
    config: { sqlDatabaseUrl: undefined, sqlMode: 'role' },
    logger,
  });
  const { signal } = new AbortController();
  const { rows } = await sandbox.query('select count(*) from orders', signal);
  assert.deepEqual(rows, [['2']]);
  await assert.rejects(sandbox.query('select * from later', signal), { code: 'not_readable' });
  await setUpAppRole({ databaseUrl: database.url, role, password });
  assert.deepEqual((await sandbox.query('select count(*) from later', signal)).rows, [['0']]);
});

test('a superuser, or an owner of the schema, is no role for API and worker', async () => {
  const owner = decodeURIComponent(new URL(database.url).username);
  await assert.rejects(
    setUpAppRole({ databaseUrl: database.url, role: owner, password: undefined }),
    (error) => error instanceof AppRoleError && /is a superuser/.test(error.message),
  );
  await query(database.url, `alter schema ai owner to ${role}`);
  await assert.rejects(
    setUpAppRole({ databaseUrl: database.url, role, password }),
    (error) => error instanceof AppRoleError && /all rights of the owner/.test(error.message),
  );
  await query(database.url, `alter schema ai owner to ${owner}`);
});
