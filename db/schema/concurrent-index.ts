/** Indexes that are built while others write: CREATE INDEX CONCURRENTLY, and what it needs around it. */
import { Client } from 'pg';
import type { Logger } from '../../runtime/logger.ts';
import { whileLocked } from './migration-locks.ts';

/** An index of schema `ai`. `on` is what follows the table's name: columns, and a condition if there is one. */
export interface ConcurrentIndex {
  name: string;
  /** Without the schema. */
  table: string;
  on: string;
}

/**
 * A build waits for every older transaction that may have changed the table. Nobody waits for the build meanwhile, but it must not
 * stand for ever: after this long it is given up, and begun again after a pause.
 */
const BUILD_LOCK_TIMEOUT = '30s';
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Builds the indexes that are missing, one after the other, without holding up writers. One that an ended build left behind
 * INVALID is dropped first. A partitioned table is left out: it can't have an index built this way.
 * The caller holds the migration gate and not the step lock.
 */
export async function buildIndexes(
  indexes: readonly ConcurrentIndex[],
  { databaseUrl, logger }: { databaseUrl: string; logger: Logger },
): Promise<void> {
  // A connection of its own: a build may take hours, and a pool's limits are made for requests.
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'copilot-migrations',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // A link that is dead is noticed by the kernel's probes: no answer is expected while a build runs.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`set statement_timeout = 0`);
    await client.query(`set lock_timeout = '${BUILD_LOCK_TIMEOUT}'`);
    for (const index of indexes)
      await whileLocked({ step: index.name, logger }, () => buildIndex(client, index));
  } finally {
    await client.end();
  }
}

async function buildIndex(client: Client, { name, table, on }: ConcurrentIndex): Promise<void> {
  const { rows } = await client.query<{ kind: string | null; valid: boolean | null }>(
    `select (select relkind from pg_class where oid = to_regclass($2)) as kind,
       (select indisvalid from pg_index where indexrelid = to_regclass($1)) as valid`,
    [`ai.${name}`, `ai.${table}`],
  );
  const { kind, valid } = rows[0]!;
  if (kind !== 'r' || valid === true) return;
  // The drop waits for a build that goes on in a server process whose client is gone.
  if (valid === false) await client.query(`drop index concurrently if exists ai.${name}`);
  await client.query(`create index concurrently if not exists ${name} on ai.${table} ${on}`);
}
