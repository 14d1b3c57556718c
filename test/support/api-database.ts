/** Databases for tests. All test files share one migrated template; each file gets a clone. */
import { createHash, randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { createKnex } from '../../db/connection/knex.ts';
import { appUrl, setUpAppRole } from '../../db/schema/app-role.ts';
import { sandboxRole, setUpRole } from '../../db/sql-sandbox/role.ts';
import { migrateDatabase } from '../../db/schema/migrate.ts';
import { POSTGRES_MIGRATIONS } from '../../runtime/bounds.ts';
import { silentLogger } from './test-api.ts';

// An arbitrary number. Test files run in processes of their own, and only one of them may create the template.
const TEMPLATE_LOCK = '8386658455989871717';

/** The role of API and worker. It is shared by the server's databases, and the template has its rights. */
const APP_ROLE = { role: 'copilot_test_app', password: 'for tests only: /@?%' };

export interface TestDatabase {
  /** With the login of the owner. */
  url: string;
  /** With the login of the role of API and worker. */
  appUrl: string;
  drop(): Promise<void>;
}

/**
 * Creates a database on the server of COPILOT_TEST_DATABASE_URL. It is migrated unless `empty` is set. With `sqlTool`, the
 * role of the SQL tool is set up for `appUrl`, as `npm run migrate -- --role` does.
 */
export async function createTestDatabase(
  options: { empty?: boolean; sqlTool?: boolean } = {},
): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(async (server) => {
    await server.raw('create database ?? template ??', [
      name,
      options.empty ? 'template1' : await ensureTemplate(server),
    ]);
  });
  const url = urlOf(name);
  const asApp = appUrl({ databaseUrl: url, ...APP_ROLE });
  if (options.sqlTool) await setUpRole(url, sandboxRole(asApp), true);
  return {
    url,
    appUrl: asApp,
    drop: () => onServer(async (server) => void (await server.raw('drop database ?? with (force)', [name]))),
  };
}

/** Finds or creates the template. Its name has a hash of the migrations, so that later runs can use it. */
async function ensureTemplate(server: Knex): Promise<string> {
  const hash = createHash('sha256');
  const room = join(import.meta.dirname, '../../db');
  for (const file of [
    'schema/migrate.ts',
    'schema/app-role.ts',
    ...globSync('migrations/*.ts', { cwd: room }).sort(),
  ])
    hash.update(readFileSync(join(room, file)));
  const template = `test_template_${hash.digest('hex').slice(0, 16)}`;
  await server.raw('select pg_advisory_lock(?::bigint)', [TEMPLATE_LOCK]);
  try {
    const { rows } = await server.raw<{ rows: unknown[] }>('select 1 from pg_database where datname = ?', [
      template,
    ]);
    if (rows.length > 0) return template;
    // The template has another name until it is complete, so that a run that is killed here leaves no broken template.
    const draft = `${template}_draft`;
    await server.raw('drop database if exists ?? with (force)', [draft]);
    await server.raw('create database ??', [draft]);
    await migrateDatabase({ databaseUrl: urlOf(draft), logger: silentLogger });
    await setUpAppRole({ databaseUrl: urlOf(draft), ...APP_ROLE });
    await server.raw('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ?', [
      draft,
    ]);
    await server.raw('alter database ?? rename to ??', [draft, template]);
    return template;
  } finally {
    await server.raw('select pg_advisory_unlock(?::bigint)', [TEMPLATE_LOCK]);
  }
}

function urlOf(name: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return url.href;
}

function serverUrl(): string {
  const url = process.env.COPILOT_TEST_DATABASE_URL;
  if (!url) throw new Error('COPILOT_TEST_DATABASE_URL must name a Postgres to make databases on');
  return url;
}

async function onServer<T>(work: (server: Knex) => Promise<T>): Promise<T> {
  const server = createKnex({
    databaseUrl: serverUrl(),
    applicationName: 'test-admin',
    poolMax: 1,
    bounds: POSTGRES_MIGRATIONS,
  });
  try {
    return await work(server);
  } finally {
    await server.destroy();
  }
}
