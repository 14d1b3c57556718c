/**
 * Runs the model's SQL. The checks come in this order: syntax, names, guards, then the role, whose grants are the last
 * barrier. One file, because it is one state machine: the role's set-up, its renewal, and the queries that wait for them.
 */
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
  /** Values in text form; SQL null is null. */
  rows: (string | null)[][];
  /** True when the query has more rows than `rows`. */
  hasMore: boolean;
  /** Notes for the model, such as tables whose rows may be hidden. */
  notes: string[];
}

export type { SchemaResult };

export interface SqlSandbox {
  /** Runs a query. Once its syntax is checked, the query ends or is refused within about 8 s. Throws SqlRefusal. */
  query(sql: string, signal: AbortSignal): Promise<SqlResult>;
  /** Describes the tables that a query may read. Throws SqlRefusal. */
  schema(request: SchemaRequest, signal: AbortSignal): Promise<SchemaResult>;
  /** Sets up the role before the first query. Throws SqlRefusal, or SandboxUnavailable when the database does not answer. */
  prepare(): Promise<void>;
  /** How many backends of this process went on after their cancel, in all (`total`) and now (`alive`). */
  survivors(): { total: number; alive: number };
}

export interface SandboxConfig {
  /** The login of a role that an operator created. Undefined: the service creates the role. */
  sqlDatabaseUrl: string | undefined;
  /** `parser-only`: queries use the login of DATABASE_URL, with all checks but without the role. */
  sqlMode: 'role' | 'parser-only';
}

/** How many queries run at once in this process. */
const MAX_RUNNING = 4;
/** The time for a query, from its wait for a slot to its answer. statement_timeout covers only one protocol message. */
const ANSWER_MS = 7_000;
/** How much longer a query whose time is up may take to be cancelled. */
const LAST_WORD_MS = 800;
const TYPE_NAMES_MS = 2_000;
/** The shortest time between two renewals of the grants. A query of a table without a grant causes a renewal. */
const REFRESH_EVERY_MS = 2_000;
/** A failed connection is tried once more after this pause, because a restarting server is back soon. */
const RETRY_CONNECT_MS = 300;
/** The shortest time between two set-ups when the role is missing or unsafe. */
const RETRY_SETUP_MS = 10_000;

/** Creates the sandbox of a database. The role is set up on first use. */
export function createSqlSandbox(options: {
  databaseUrl: string;
  config: SandboxConfig;
  logger: Logger;
  /** Threads that parse long queries. Without a pool, they are parsed on the main thread. */
  pool?: Pick<ThreadPool, 'run'>;
  /** Called for each refused query, with the code of its refusal. */
  onRefusal?: (code: string) => void;
}): SqlSandbox {
  const readSyntax = createSyntaxCheck(options.pool ?? null);
  const { databaseUrl, config, logger } = options;
  const own =
    config.sqlMode === 'role' && config.sqlDatabaseUrl === undefined ? sandboxRole(databaseUrl) : null;
  const url = config.sqlDatabaseUrl ?? own?.url ?? databaseUrl;
  if (config.sqlMode === 'parser-only')
    logger.warn(
      {},
      'COPILOT_SQL_MODE=parser-only: queries of the model use the login of DATABASE_URL, without a role of their own',
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
        // Class 28: no such role, or another password. 42501: the role may not connect to this database.
        const state = sqlStateOf(error) ?? '';
        if (state.startsWith('28') || state === '42501') return ['the role can not connect'];
        throw new SandboxUnavailable('the role could not be tested', error);
      },
    );
    if (weaknesses.length === 0) return;
    logger.error({ weaknesses }, 'execute_public_sql is off: its role is missing or not safe');
    throw new SqlRefusal(
      'not_set_up',
      `SQL is not set up in this deployment: ${weaknesses.join('; ')}.`,
      `Tell the user that an operator must make the role and set COPILOT_SQL_DATABASE_URL to it (docs/sql-sandbox.md). The statements:\n${await roleScript(databaseUrl)}`,
    );
  };

  /** Sets up the role once. Rejects with SqlRefusal `not_set_up`, which holds the statements that an operator must run. */
  const ensureReady = (): Promise<void> => {
    if (ready && (ready.failedAt === null || performance.now() - ready.failedAt < RETRY_SETUP_MS))
      return ready.done;
    const attempt: NonNullable<typeof ready> = { done: setUp(), failedAt: null };
    ready = attempt;
    attempt.done.catch((error: unknown) => {
      // The next query tries again at once when the database was away, but not when the role is missing.
      attempt.failedAt = error instanceof SqlRefusal ? performance.now() : -Infinity;
    });
    return attempt.done;
  };

  /** Runs work on a connection. When a table has no grant, the table may be new: the grants are renewed once. */
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

  /** Runs work at most twice. A role that can't log in is set up again before the second try. */
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
      logger.warn({ err: error }, 'the database was not available for a query of the model');
      throw new SqlRefusal(
        'unavailable',
        'The database can not be read now.',
        'Go on without it, or ask again later. Tell the user when the answer depends on it.',
      );
    } finally {
      release();
    }
  };

  const runQuery = async (sql: string, signal: AbortSignal): Promise<SqlResult> => {
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
  };

  return {
    prepare: ensureReady,
    survivors: survivors.counts,
    async query(sql, signal) {
      try {
        return await runQuery(sql, signal);
      } catch (error: unknown) {
        if (error instanceof SqlRefusal) options.onRefusal?.(error.code);
        throw error;
      }
    },
    async schema(request, signal) {
      await sqlGrammarReady();
      return run(signal, async (connection) => {
        const found = await describeSchema(connection.read, request);
        // Renews the grants, so that a new table is shown.
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

/** Settles as `work` does. Rejects with SandboxUnavailable when it has not ended at `until` (of performance.now()). */
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

/** Thrown when the role has no grant for these tables. Caught here: the grants are renewed, or `refusal` is thrown. */
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
