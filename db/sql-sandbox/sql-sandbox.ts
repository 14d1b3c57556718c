/** Where the model's SQL runs: the walls in their order, and the role behind them. */
import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionError, sqlStateOf } from '../connection/pg-errors.ts';
import { oidNumber } from '../connection/sql-rows.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { ThreadPool } from '../../runtime/thread-pool.ts';
import { boundCost } from './bound-cost.ts';
import { checkNames } from './check-names.ts';
import { sqlGrammarReady, SqlRefusal } from './check-syntax.ts';
import { describeSchema, type SchemaRequest, type SchemaResult } from './describe-schema.ts';
import { roleScript, sandboxRole, setUpRole } from './role.ts';
import { MAX_ROWS, type RawResult, type SandboxConnection, withSandboxConnection } from './run-query.ts';
import { findWeaknesses } from './self-test.ts';
import { createSyntaxCheck } from './syntax-task.ts';
import { createSemaphore } from '../../runtime/semaphore.ts';
import { createSurvivorWatch } from './survivors.ts';
import { isRoleFault, SandboxUnavailable } from './unavailable.ts';

export interface SqlResult {
  columns: { name: string; type: string; typeOid: number }[];
  /** Text values, null as null. */
  rows: (string | null)[][];
  /** True when the query has more rows than are shown. */
  hasMore: boolean;
  /** For the reader of the result, such as tables whose rows may be hidden. */
  notes: string[];
}

export type { SchemaResult };

export interface SqlSandbox {
  /** Runs a query, or says within 8 s that it can not. Throws SqlRefusal with words for the model. */
  query(sql: string, signal: AbortSignal): Promise<SqlResult>;
  /** The tables that a query may read. Throws like `query`. */
  schema(request: SchemaRequest, signal: AbortSignal): Promise<SchemaResult>;
  /** Makes the role ready before the first query. Throws SqlRefusal; connection errors as they come. */
  prepare(): Promise<void>;
  /** Backends of this process that went on after their cancel: how many there were, and how many there are. */
  survivors(): { total: number; alive: number };
}

export interface SandboxConfig {
  /** A role that an operator made; undefined: ours. */
  sqlDatabaseUrl: string | undefined;
  /** `parser-only`: on the main login, behind all walls but the role. */
  sqlMode: 'role' | 'parser-only';
}

/** Queries at once in this process. */
const MAX_RUNNING = 4;
/** From asking to answering, waiting for a place included. The server's statement_timeout covers one message only. */
const ANSWER_MS = 7_000;
/** For the cancel of a query whose time is up. */
const LAST_WORD_MS = 800;
const TYPE_NAMES_MS = 2_000;
/** Grants are brought up to date at most this often, when a query names a table that may be new. */
const REFRESH_EVERY_MS = 2_000;
/** A connection that fails is tried once more after this pause: a server that restarts is back soon. */
const RETRY_CONNECT_MS = 300;
/** After a failed set-up, this long passes before the next try. */
const RETRY_SETUP_MS = 10_000;

/** Creates the sandbox of a database. Its role is made on first use. */
export function createSqlSandbox(options: {
  databaseUrl: string;
  config: SandboxConfig;
  logger: Logger;
  /** Where long queries are read; absent: here. */
  pool?: Pick<ThreadPool, 'run'>;
}): SqlSandbox {
  const readSyntax = createSyntaxCheck(options.pool ?? null);
  const { databaseUrl, config, logger } = options;
  const own =
    config.sqlMode === 'role' && config.sqlDatabaseUrl === undefined ? sandboxRole(databaseUrl) : null;
  const url = config.sqlDatabaseUrl ?? own?.url ?? databaseUrl;
  if (config.sqlMode === 'parser-only')
    logger.warn(
      {},
      'COPILOT_SQL_MODE=parser-only: queries of the model run on the main login, without a role of their own',
    );
  const slots = createSemaphore(MAX_RUNNING);
  const survivors = createSurvivorWatch({ databaseUrl: url, logger });
  const typeNames = new Map<number, string>();
  let refreshedAt = 0;
  let ready: { done: Promise<void>; failedAt: number | null } | null = null;

  const refresh = async (withRole: boolean): Promise<void> => {
    refreshedAt = performance.now();
    if (own)
      await setUpRole(databaseUrl, own, withRole).catch((error: unknown) => {
        throw new SandboxUnavailable('the role could not be set up', error);
      });
  };

  const setUp = async (): Promise<void> => {
    await sqlGrammarReady();
    await refresh(true);
    const weaknesses = await findWeaknesses(url, { ownRole: config.sqlMode === 'role' }).catch(
      (error: unknown) => {
        // Class 28: the role is not there, or has another password. 42501: it may not connect to this database.
        const state = sqlStateOf(error) ?? '';
        if (state.startsWith('28') || state === '42501') return ['the role can not connect'];
        throw new SandboxUnavailable('the role could not be tried', error);
      },
    );
    if (weaknesses.length === 0) return;
    logger.error({ weaknesses }, 'execute_public_sql is off: its role is not there, or not safe');
    throw new SqlRefusal(
      'not_set_up',
      `SQL is not set up in this deployment: ${weaknesses.join('; ')}.`,
      `Tell the user that an operator must make the role and set COPILOT_SQL_DATABASE_URL to it (docs/sql-sandbox.md). The statements:\n${await roleScript(databaseUrl)}`,
    );
  };

  /** Throws SqlRefusal `not_set_up` with the statements that an operator must run; tries again after a while. */
  const ensureReady = (): Promise<void> => {
    if (ready && (ready.failedAt === null || performance.now() - ready.failedAt < RETRY_SETUP_MS))
      return ready.done;
    const attempt: NonNullable<typeof ready> = { done: setUp(), failedAt: null };
    ready = attempt;
    attempt.done.catch((error: unknown) => {
      // A database that is away is asked again at once; a role that is missing does not come by itself.
      attempt.failedAt = error instanceof SqlRefusal ? performance.now() : -Infinity;
    });
    return attempt.done;
  };

  /** Runs work on a connection; a table that the role may not read yet may be new, so its grants are renewed once. */
  const runOnce = async <T>(
    at: Deadline,
    work: (connection: SandboxConnection) => Promise<T>,
  ): Promise<T> => {
    const connect = () => withSandboxConnection(url, { ...at, onStopped: survivors.watch }, work);
    try {
      return await connect();
    } catch (error: unknown) {
      if (!(error instanceof NotGranted) || performance.now() - refreshedAt < REFRESH_EVERY_MS) throw error;
      await refresh(false);
    }
    return connect();
  };

  /** Twice at most: a role that can not log in is mended before the second time. */
  const runTwice = async <T>(
    at: Deadline,
    work: (connection: SandboxConnection) => Promise<T>,
  ): Promise<T> => {
    try {
      await ensureReady();
      return await runOnce(at, work);
    } catch (error: unknown) {
      if (!isUnavailable(error) || performance.now() + RETRY_CONNECT_MS > at.until) throw error;
      if (isRoleFault(error)) ready = null;
    }
    await delay(RETRY_CONNECT_MS, undefined, { signal: at.signal }).catch(() => undefined);
    await ensureReady();
    return runOnce(at, work);
  };

  const run = async <T>(
    signal: AbortSignal,
    work: (connection: SandboxConnection) => Promise<T>,
  ): Promise<T> => {
    const until = performance.now() + ANSWER_MS;
    await survivors.check();
    const release = await slots.take(1, { waitMs: ANSWER_MS, signal });
    if (release === null)
      throw new SqlRefusal('busy', 'Too many queries are running.', 'Ask again later, or for less at once.');
    try {
      return await before(until + LAST_WORD_MS, runTwice({ signal, until }, work));
    } catch (error: unknown) {
      if (error instanceof NotGranted) throw error.refusal;
      if (error instanceof SqlRefusal || !isUnavailable(error)) throw error;
      logger.warn({ err: error }, 'a query of the model found no database');
      throw new SqlRefusal(
        'unavailable',
        'The database can not be read now.',
        'Go on without it, or ask again later. Tell the user when the answer depends on it.',
      );
    } finally {
      release();
    }
  };

  return {
    prepare: ensureReady,
    survivors: survivors.counts,
    async query(sql, signal) {
      await sqlGrammarReady();
      const names = await readSyntax(sql);
      return run(signal, async (connection) => {
        const relations = await checkNames(connection.read, names);
        const closed = relations.filter((relation) => !relation.granted).map(({ name }) => name);
        if (closed.length > 0) throw new NotGranted(closed);
        if (typeNames.size === 0) await loadTypeNames(connection, typeNames);
        const result = await connection.query(boundCost(sql));
        if (result.columns.some(({ typeOid }) => !typeNames.has(typeOid)))
          await withSandboxConnection(url, { signal, until: performance.now() + TYPE_NAMES_MS }, (other) =>
            loadTypeNames(other, typeNames),
          );
        const hidden = relations.filter(({ rowSecurity }) => rowSecurity).map(({ name }) => name);
        return toResult(result, typeNames, hidden);
      });
    },
    async schema(request, signal) {
      await sqlGrammarReady();
      return run(signal, async (connection) => {
        const found = await describeSchema(connection.read, request);
        // New tables are shown as soon as they can be read.
        if (found.closed.length > 0 && performance.now() - refreshedAt >= REFRESH_EVERY_MS)
          throw new NotGranted(found.closed);
        return found;
      });
    },
  };
}

interface Deadline {
  signal: AbortSignal;
  /** A time of performance.now(). */
  until: number;
}

function isUnavailable(error: unknown): boolean {
  return error instanceof SandboxUnavailable || isConnectionError(error) || isRoleFault(error);
}

/** The work, or SandboxUnavailable when it has not ended at a time of performance.now(). */
async function before<T>(until: number, work: Promise<T>): Promise<T> {
  const clock = new AbortController();
  const late = delay(Math.max(0, until - performance.now()), undefined, { signal: clock.signal }).then(() => {
    throw new SandboxUnavailable('no answer in time');
  });
  late.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clock.abort();
  }
}

/** The role may not read these tables (yet). */
class NotGranted extends Error {
  readonly refusal: SqlRefusal;

  constructor(tables: string[]) {
    super('not granted');
    this.refusal = new SqlRefusal(
      'not_readable',
      `The service may not read ${tables.slice(0, 5).join(', ')}.`,
      'Tell the user: an operator must grant it to the role of the SQL tool (docs/sql-sandbox.md).',
    );
  }
}

async function loadTypeNames(connection: SandboxConnection, into: Map<number, string>): Promise<void> {
  const rows = await connection.read<{ oid: number; name: string }>(
    `select ${oidNumber('oid')} as oid, format_type(oid, null) as name from pg_type`,
    [],
  );
  for (const { oid, name } of rows) into.set(oid, name);
}

function toResult(
  { columns, rows }: RawResult,
  typeNames: ReadonlyMap<number, string>,
  hidden: string[],
): SqlResult {
  return {
    columns: columns.map(({ name, typeOid }) => ({
      name,
      type: typeNames.get(typeOid) ?? 'unknown',
      typeOid,
    })),
    rows: rows.slice(0, MAX_ROWS),
    hasMore: rows.length > MAX_ROWS,
    notes:
      hidden.length === 0
        ? []
        : [
            `Row level security may hide rows of ${hidden.join(', ')}: what is shown may be a part, or nothing.`,
          ],
  };
}
