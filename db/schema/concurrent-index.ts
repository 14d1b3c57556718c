/** Builds indexes with CREATE INDEX CONCURRENTLY, while other sessions write to the table. */
import { Client } from 'pg';
import type { Logger } from '../../runtime/logger.ts';
import { whileLocked } from './migration-locks.ts';

/** An index of a table of schema `ai`. */
export interface ConcurrentIndex {
  name: string;
  /** Without the schema. */
  table: string;
  /** The SQL after the table's name: the columns, and the condition of a partial index. */
  on: string;
}

/**
 * A build waits for older transactions that may have changed the table. Nobody waits for the build, but it must not wait
 * for ever: it is given up after this time and started again after a pause.
 */
const BUILD_LOCK_TIMEOUT = '30s';
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Builds the missing indexes, one after the other, without blocking writers. An INVALID index of an interrupted build is
 * dropped first. A partitioned table is left out, because CONCURRENTLY does not support it. The caller must hold the
 * migration gate and must not hold the step lock.
 */
export async function buildIndexes(
  indexes: readonly ConcurrentIndex[],
  { databaseUrl, logger }: { databaseUrl: string; logger: Logger },
): Promise<void> {
  // Not from a pool: a build may take hours, and a pool's bounds are made for requests.
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'copilot-migrations',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // A build sends nothing while it runs, so only TCP keepalive can find a dead connection.
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
  // The build may still run on the server although its client is gone. The drop waits for it.
  if (valid === false) await client.query(`drop index concurrently if exists ai.${name}`);
  await client.query(`create index concurrently if not exists ${name} on ai.${table} ${on}`);
}
