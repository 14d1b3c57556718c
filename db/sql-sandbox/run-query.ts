/**
 * Runs one checked query on a new connection, and destroys the connection afterwards. The transaction is read-only. The
 * query goes over the extended protocol with one Execute and a row limit, under a byte counter and a time limit.
 *
 * One file, because every function works on the one connection and on how it may end.
 */
import pg from 'pg';
import Cursor from 'pg-cursor';
import { isConnectionError, isTransactionConflict, sqlStateOf } from '../connection/pg-errors.ts';
import type { CatalogReader } from './check-names.ts';
import { SqlRefusal } from './check-syntax.ts';
import { SandboxUnavailable, survivorRefusal } from './unavailable.ts';

/** The most rows of a result. */
export const MAX_ROWS = 200;
/** The most bytes that the server may send for one query. A single value may have 1 GB, which no process survives. */
const MAX_WIRE_BYTES = 2 * 1024 * 1024;
const CANCEL_MS = 500;
const APPLICATION_NAME = 'copilot-sql';
/** A query that is active for this long did not react to its cancel. */
const OVERDUE_S = 12;

// Sent before the model's query, which is sent alone. The parser assumes standard_conforming_strings; other settings bound
// the cost of the query or fix the format of values. Some platforms keep a signing key in app.settings.jwt_secret.
const SETTINGS = `set local search_path = pg_catalog, public;
  set local standard_conforming_strings = on;
  set local statement_timeout = '5s';
  set local lock_timeout = '500ms';
  set local work_mem = '16MB';
  set local max_parallel_workers_per_gather = 0;
  set local datestyle = 'ISO, MDY';
  set local intervalstyle = postgres;
  set local bytea_output = hex;
  set local "app.settings.jwt_secret" = '';
  select a.backend_start::text as started_at, (
    select count(*)::int from pg_stat_activity o
    where o.usename = current_user and o.application_name = '${APPLICATION_NAME}' and o.state = 'active'
      and o.query_start < clock_timestamp() - interval '${OVERDUE_S} seconds') as overdue
  from pg_stat_activity a where a.pid = pg_backend_pid()`;

export interface RawResult {
  columns: { name: string; typeOid: number }[];
  /** Values in text form, null as null; at most one more than MAX_ROWS. */
  rows: (string | null)[][];
}

/** A server process. The start time is needed because the system reuses pids. */
export interface Backend {
  pid: number;
  startedAt: string;
}

export interface SandboxConnection {
  /** Runs a catalog statement. Throws SandboxUnavailable. */
  read: CatalogReader;
  /** Runs the model's query. Throws SqlRefusal when the server reports an error of the query. */
  query(sql: string): Promise<RawResult>;
}

/**
 * Opens a connection, begins a read-only transaction, runs `work`, and destroys the connection in every case. `until` is a
 * time of performance.now(). Throws SqlRefusal when the time is up, the answer is too large or the signal aborts, and
 * SandboxUnavailable when the connection can't be made or is lost. An error that the server sends while it shuts down is
 * thrown as it is.
 */
export async function withSandboxConnection<T>(
  databaseUrl: string,
  {
    signal,
    until,
    onStopped,
  }: {
    signal: AbortSignal;
    until: number;
    /** Called with the backend when the connection was destroyed while a query was running. */
    onStopped?: (backend: Backend) => void;
  },
  work: (connection: SandboxConnection) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: 3_000,
    // No type parsers: every value stays the text that the server sent.
    types: { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig,
  });
  let backend: string | null = null;
  let stop: (reason: SqlRefusal) => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => (stop = reject));
  stopped.catch(() => undefined);
  client.on('error', () => undefined);
  const onAbort = (): void => stop(new SqlRefusal('cancelled', 'The query was cancelled.'));
  signal.addEventListener('abort', onAbort, { once: true });
  const clock = setTimeout(
    () => stop(new SqlRefusal('timeout', 'The query took too long and was stopped.', CHEAPER)),
    Math.max(1, until - performance.now()),
  );
  try {
    if (signal.aborted) onAbort();
    return await Promise.race([stopped, converse(client, stop, work, (startedAt) => (backend = startedAt))]);
  } catch (error: unknown) {
    throw isLost(client, error) ? new SandboxUnavailable('the connection is lost', error) : error;
  } finally {
    clearTimeout(clock);
    signal.removeEventListener('abort', onAbort);
    const { processID } = client as unknown as { processID: number | null };
    if ((await destroy(client)) && processID !== null && backend !== null)
      onStopped?.({ pid: processID, startedAt: backend });
  }
}

/** Whether an error means a lost connection: it has no SQLSTATE, so the server did not send it. */
function isLost(client: pg.Client, error: unknown): boolean {
  if (error instanceof SqlRefusal || sqlStateOf(error) !== null) return false;
  return connectionOf(client).stream.destroyed && error instanceof Error;
}

const CHEAPER = 'Filter, aggregate or limit, so that less has to be read.';

async function converse<T>(
  client: pg.Client,
  stop: (reason: SqlRefusal) => void,
  work: (connection: SandboxConnection) => Promise<T>,
  onStarted: (startedAt: string) => void,
): Promise<T> {
  await client.connect().catch((error: unknown) => {
    throw new SandboxUnavailable('no connection', error);
  });
  const { stream } = connectionOf(client);
  let bytes = 0;
  let counting = false;
  stream.on('data', (chunk: Buffer) => {
    if (!counting) return;
    bytes += chunk.length;
    if (bytes <= MAX_WIRE_BYTES) return;
    // Destroyed at once: the data on its way would fill the memory before the server reacts to a cancel.
    stream.destroy();
    stop(
      new SqlRefusal(
        'result_too_large',
        `The result has more than ${MAX_WIRE_BYTES / 1024 / 1024} MB.`,
        'Select fewer rows or columns, or shorten long values with left(column, 200).',
      ),
    );
  });
  await client.query('begin read only');
  const answers = (await client.query(SETTINGS)) as unknown as pg.QueryResult<Record<string, string>>[];
  const { started_at: startedAt, overdue } = answers.at(-1)?.rows[0] ?? {};
  if (Number(overdue ?? 0) > 0) throw survivorRefusal();
  if (startedAt !== undefined) onStarted(startedAt);
  const result = await work({
    async read<R>(sql: string, values: unknown[]) {
      const { rows } = await client
        .query<Record<string, unknown>>({ text: sql, values, types: pg.types })
        .catch((error: unknown) => {
          throw new SandboxUnavailable('the catalogs can not be read', error);
        });
      return rows as R[];
    },
    async query(sql) {
      counting = true;
      try {
        return await execute(client, sql);
      } catch (error: unknown) {
        throw toRefusal(error);
      } finally {
        counting = false;
      }
    },
  });
  return result;
}

async function execute(client: pg.Client, sql: string): Promise<RawResult> {
  const cursor = client.query(new Cursor<string[]>(sql, [], { rowMode: 'array' }));
  const { rows, fields } = await new Promise<{ rows: (string | null)[][]; fields: pg.FieldDef[] }>(
    (resolve, reject) => {
      cursor.read(MAX_ROWS + 1, (error: Error | undefined, found: string[][], result) => {
        if (error) reject(error);
        else resolve({ rows: found, fields: result?.fields ?? [] });
      });
    },
  );
  return { columns: fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })), rows };
}

interface DatabaseErrorLike {
  code?: string;
  message: string;
  hint?: string;
  position?: string;
}

/** Turns an error of the server into a refusal for the model. Connection errors are returned as they are. */
function toRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || isConnectionError(error)) return error;
  // A standby cancels queries that conflict with the changes that it replays.
  if (isTransactionConflict(error))
    return new SandboxUnavailable('the query conflicts with replication', error);
  const { code = '', message, hint, position } = error as DatabaseErrorLike;
  if (!/^[0-9A-Z]{5}$/.test(code)) return error;
  if (code === '57014')
    return new SqlRefusal('timeout', 'The query took longer than 5 seconds and was stopped.', CHEAPER);
  if (code === '42501')
    return new SqlRefusal(
      'not_readable',
      `Not allowed here: ${message.slice(0, 300)}.`,
      'Only public can be read.',
    );
  // Only a guard of boundCost can raise this: explicit casts to varchar truncate.
  if (code === '22001')
    return new SqlRefusal(
      'too_expensive',
      'A value of the query is longer than its function may take here.',
      'Shorten it before, for example with left(value, 1000), or aggregate fewer rows into one value.',
    );
  if (code.startsWith('53') || code === '54000' || code.startsWith('XX'))
    return new SqlRefusal('too_expensive', 'The query needs more memory or disk than it may use.', CHEAPER);
  const where = position === undefined ? '' : ` (at character ${position})`;
  return new SqlRefusal('query_failed', `${code}: ${message.slice(0, 500)}${where}`, hint?.slice(0, 300));
}

interface Internals {
  stream: NodeJS.ReadWriteStream & { destroy(): void; destroyed: boolean };
  connect(port: number, host: string): void;
  cancel(processId: number, secretKey: unknown): void;
  once(event: string, listener: () => void): void;
  on(event: string, listener: () => void): void;
}

function connectionOf(client: pg.Client): Internals {
  return (client as unknown as { connection: Internals }).connection;
}

/**
 * Closes the socket. A server that runs a query does not notice that until it sends, so it gets a cancel request, which
 * the protocol sends over a second connection. Returns true when a cancel was sent.
 */
async function destroy(client: pg.Client): Promise<boolean> {
  const { processID, secretKey, host, port, ssl } = client as unknown as {
    processID: number | null;
    secretKey: unknown;
    host: string;
    port: number;
    ssl: unknown;
  };
  const { stream } = connectionOf(client);
  const busy = (client as unknown as { activeQuery?: unknown; _activeQuery?: unknown })._activeQuery !== null;
  stream.destroy();
  if (processID === null || processID === undefined || !busy) return false;
  const connection = new pg.Connection({ ssl: ssl as boolean }) as unknown as Internals;
  await new Promise<void>((resolve) => {
    const done = setTimeout(resolve, CANCEL_MS);
    const end = (): void => {
      clearTimeout(done);
      resolve();
    };
    connection.on('error', end);
    connection.once('end', end);
    const cancel = (): void => connection.cancel(processID, secretKey);
    connection.once('connect', cancel);
    if (host.startsWith('/'))
      (connection as unknown as { connect(path: string): void }).connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  });
  connection.stream.destroy();
  return true;
}
