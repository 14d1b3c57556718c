import { randomBytes } from 'node:crypto';
import { migrateDatabase } from '../../db/migrate.ts';
import { createKnex } from '../../db/knex.ts';
import { silentLogger } from './test-api.ts';

/** A migrated database of its own on the server of COPILOT_TEST_DATABASE_URL. */
export async function createTestDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const admin = process.env.COPILOT_TEST_DATABASE_URL;
  if (!admin) throw new Error('COPILOT_TEST_DATABASE_URL must name a Postgres to make databases on');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const url = new URL(admin);
  url.pathname = `/${name}`;
  const run = async (sql: string) => {
    const db = createKnex({ databaseUrl: admin, applicationName: 'test-admin', poolMax: 1 });
    await db.raw(sql);
    await db.destroy();
  };
  await run(`create database ${name}`);
  await migrateDatabase({ databaseUrl: url.href, logger: silentLogger });
  return { url: url.href, drop: () => run(`drop database ${name} with (force)`) };
}
