/** Databases for tests. All test files share one migrated template; each file gets a clone. */
import { createHash, randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { createKnex } from '../../db/connection/knex.ts';
import { migrateDatabase } from '../../db/schema/migrate.ts';
import { POSTGRES_MIGRATIONS } from '../../runtime/bounds.ts';
import { silentLogger } from './test-api.ts';

// An arbitrary number. Test files run in processes of their own, and only one of them may create the template.
const TEMPLATE_LOCK = '8386658455989871717';

/** Creates a database on the server of COPILOT_TEST_DATABASE_URL. It is migrated unless `empty` is set. */
export async function createTestDatabase(
  options: { empty?: boolean } = {},
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(async (server) => {
    await server.raw('create database ?? template ??', [
      name,
      options.empty ? 'template1' : await ensureTemplate(server),
    ]);
  });
  return {
    url: urlOf(name),
    drop: () => onServer(async (server) => void (await server.raw('drop database ?? with (force)', [name]))),
  };
}

/** Finds or creates the template. Its name has a hash of the migrations, so that later runs can use it. */
async function ensureTemplate(server: Knex): Promise<string> {
  const hash = createHash('sha256');
  const room = join(import.meta.dirname, '../../db');
  for (const file of ['schema/migrate.ts', ...globSync('migrations/*.ts', { cwd: room }).sort()])
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
