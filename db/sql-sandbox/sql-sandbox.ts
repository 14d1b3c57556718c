/** Where the model's SQL runs: the walls in their order, and the role behind them. */
import { sqlStateOf } from '../pg-errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { boundCost } from './bound-cost.ts';
import { checkNames } from './check-names.ts';
import { checkSyntax, sqlGrammarReady, SqlRefusal } from './check-syntax.ts';
import { describeSchema, type SchemaRequest, type SchemaResult } from './describe-schema.ts';
import { roleScript, sandboxRole, setUpRole } from './role.ts';
import { MAX_ROWS, type RawResult, type SandboxConnection, withSandboxConnection } from './run-query.ts';
import { findWeaknesses } from './self-test.ts';

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
  /** Runs a query. Throws SqlRefusal with words for the model; connection errors as they come. */
  query(sql: string, signal: AbortSignal): Promise<SqlResult>;
  /** The tables that a query may read. Throws like `query`. */
  schema(request: SchemaRequest, signal: AbortSignal): Promise<SchemaResult>;
  /** Makes the role ready before the first query. Throws like `query`. */
  prepare(): Promise<void>;
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
const TYPE_NAMES_MS = 2_000;
/** Grants are brought up to date at most this often, when a query names a table that may be new. */
const REFRESH_EVERY_MS = 2_000;
/** After a failed set-up, this long passes before the next try. */
const RETRY_SETUP_MS = 10_000;

/** Creates the sandbox of a database. Its role is made on first use. */
export function createSqlSandbox(options: {
  databaseUrl: string;
  config: SandboxConfig;
  logger: Logger;
}): SqlSandbox {
  const { databaseUrl, config, logger } = options;
  const own =
    config.sqlMode === 'role' && config.sqlDatabaseUrl === undefined ? sandboxRole(databaseUrl) : null;
  const url = config.sqlDatabaseUrl ?? own?.url ?? databaseUrl;
  if (config.sqlMode === 'parser-only')
    logger.warn(
      {},
      'COPILOT_SQL_MODE=parser-only: queries of the model run on the main login, without a role of their own',
    );
  const slots = createSlots(MAX_RUNNING);
  const typeNames = new Map<number, string>();
  let refreshedAt = 0;
  let ready: { done: Promise<void>; failedAt: number | null } | null = null;

  const refresh = async (withRole: boolean): Promise<void> => {
    refreshedAt = performance.now();
    if (own) await setUpRole(databaseUrl, own, withRole);
  };

  const setUp = async (): Promise<void> => {
    await sqlGrammarReady();
    await refresh(true);
    const weaknesses = await findWeaknesses(url, { ownRole: config.sqlMode === 'role' }).catch(
      (error: unknown) => {
        // Class 28: the role is not there, or has another password. 42501: it may not connect to this database.
        const state = sqlStateOf(error) ?? '';
        if (state.startsWith('28') || state === '42501') return ['the role can not connect'];
        throw error;
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
  const run = async <T>(
    signal: AbortSignal,
    work: (connection: SandboxConnection) => Promise<T>,
  ): Promise<T> => {
    await ensureReady();
    const until = performance.now() + ANSWER_MS;
    const release = await slots.take(signal, ANSWER_MS);
    const connect = () => withSandboxConnection(url, { signal, until }, work);
    try {
      try {
        return await connect();
      } catch (error: unknown) {
        if (!(error instanceof NotGranted) || performance.now() - refreshedAt < REFRESH_EVERY_MS)
          throw error instanceof NotGranted ? error.refusal : error;
        await refresh(false);
      }
      return await connect().catch((error: unknown) => {
        throw error instanceof NotGranted ? error.refusal : error;
      });
    } finally {
      release();
    }
  };

  return {
    prepare: ensureReady,
    async query(sql, signal) {
      await sqlGrammarReady();
      const names = checkSyntax(sql);
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
    'select oid::int8::int as oid, format_type(oid, null) as name from pg_type where oid < 2147483648',
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

/** A counted number of places; whoever finds none waits in line. */
function createSlots(count: number) {
  let free = count;
  const line: (() => void)[] = [];
  const release = (): void => {
    const next = line.shift();
    if (next) next();
    else free += 1;
  };
  return {
    /** Resolves with the function that gives the place back. Throws SqlRefusal when none gets free in time. */
    async take(signal: AbortSignal, waitMs: number): Promise<() => void> {
      if (free > 0) free -= 1;
      else {
        await new Promise<void>((resolve, reject) => {
          const leave = (): void => {
            const at = line.indexOf(enter);
            if (at >= 0) line.splice(at, 1);
            done();
            reject(
              new SqlRefusal(
                'busy',
                'Too many queries are running.',
                'Ask again later, or for less at once.',
              ),
            );
          };
          const timer = setTimeout(leave, waitMs);
          const done = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', leave);
          };
          const enter = (): void => {
            done();
            resolve();
          };
          signal.addEventListener('abort', leave, { once: true });
          line.push(enter);
        });
      }
      let given = false;
      return () => {
        if (!given) release();
        given = true;
      };
    },
  };
}
