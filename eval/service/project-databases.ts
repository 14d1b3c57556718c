/** The databases of a run: each holds the tables of the project, and its assets are made again before each case. */
import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { createKnex } from '../../db/connection/knex.ts';
import { migrateDatabase } from '../../db/schema/migrate.ts';
import { POSTGRES_MIGRATIONS } from '../../runtime/bounds.ts';
import { createLogger } from '../../runtime/logger.ts';
import { TABLES_SQL } from '../project/shop.ts';

export interface ProjectDatabases {
  urls: readonly string[];
  drop(): Promise<void>;
}

/** Makes so many databases on a server. The first one is migrated and filled, the others are its copies. */
export async function makeProjectDatabases(serverUrl: string, many: number): Promise<ProjectDatabases> {
  const prefix = `eval_${randomBytes(6).toString('hex')}`;
  const names = Array.from({ length: many }, (_, index) => `${prefix}_${index}`);
  const urlOf = (name: string): string => {
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    return url.href;
  };
  const [first, ...copies] = names;
  await withKnex(serverUrl, (server) => server.raw('create database ??', [first!]));
  await migrateDatabase({ databaseUrl: urlOf(first!), logger: createLogger({ level: 'silent' }) });
  await withKnex(urlOf(first!), (db) => db.raw(TABLES_SQL));
  await withKnex(serverUrl, async (server) => {
    await server.raw('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ?', [
      first!,
    ]);
    for (const copy of copies) await server.raw('create database ?? template ??', [copy, first!]);
  });
  return {
    urls: names.map(urlOf),
    drop: () =>
      withKnex(serverUrl, async (server) => {
        for (const name of names) await server.raw('drop database if exists ?? with (force)', [name]);
      }),
  };
}

async function withKnex(databaseUrl: string, work: (db: Knex) => Promise<unknown>): Promise<void> {
  const db = createKnex({ databaseUrl, applicationName: 'eval', poolMax: 1, bounds: POSTGRES_MIGRATIONS });
  try {
    await work(db);
  } finally {
    await db.destroy();
  }
}
