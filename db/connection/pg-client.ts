/**
 * A pg connection that bounds every wait. pg's own `query_timeout` rejects the query but keeps the connection, so the
 * next query waits behind the dead one. BoundedClient destroys the connection instead.
 */
import { Client, type ClientConfig, type QueryConfig } from 'pg';
import { codeOf } from '../../contracts/thrown-codes.ts';
import { type PostgresBounds, TCP } from '../../runtime/bounds.ts';

/** Thrown when a connection was lost or could not be made. The server may or may not have executed the statement. */
export class PostgresAwayError extends Error {
  readonly code = 'POSTGRES_AWAY';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PostgresAwayError';
  }
}

/** Turns an error without a `code` into a PostgresAwayError: pg reports lost connections without a code. */
export function toAwayError(error: unknown): Error {
  if (error instanceof Error && codeOf(error) !== null) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new PostgresAwayError(message, { cause: error });
}

interface Internals {
  stream: { destroy(error?: Error): void };
  once(event: 'error' | 'end', listener: (error?: Error) => void): void;
}

export interface BoundedConfig extends ClientConfig {
  bounds: PostgresBounds;
}

/** Adds the pg settings that make client and server keep these bounds. */
export function boundedConfig<T extends BoundedConfig>(config: T): T {
  const { bounds } = config;
  const keepAlive = {
    tcp_keepalives_idle: `${TCP.keepAliveMs / 1_000}`,
    tcp_keepalives_interval: `${TCP.probeEveryMs / 1_000}`,
    tcp_keepalives_count: `${TCP.probes}`,
    tcp_user_timeout: `${TCP.userTimeoutMs}`,
  };
  return {
    connectionTimeoutMillis: bounds.connectMs,
    statement_timeout: bounds.statementMs,
    lock_timeout: bounds.lockMs,
    idle_in_transaction_session_timeout: bounds.idleInTransactionMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: TCP.keepAliveMs,
    options: Object.entries(keepAlive)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    ...config,
  };
}

type Callback = (error: Error | null, result?: unknown) => void;

export class BoundedClient extends Client {
  /** When the last answer of the server arrived, as performance.now(). */
  heardAt = performance.now();
  /** How long an answer may take. withLongBound raises it for one transaction. */
  answerMs: number;
  /** Called when an answer did not come in time. `since` is when the query was sent, as performance.now(). */
  onSilent: (since: number) => void = () => undefined;
  #pending = 0;
  #broken: Error | null = null;

  constructor(config: BoundedConfig) {
    super(boundedConfig(config));
    this.answerMs = config.bounds.answerMs;
    // Registered before pg's own listeners: when those reject a query, #broken is already set.
    this.#connection.once('error', (error) => (this.#broken ??= toAwayError(error)));
    this.#connection.once('end', () => (this.#broken ??= new PostgresAwayError('the connection ended')));
  }

  get #connection(): Internals {
    return (this as unknown as { connection: Internals }).connection;
  }

  /** Whether no query is under way. */
  get isQuiet(): boolean {
    return this.#pending === 0;
  }

  /** Closes the socket without waiting for the server. Queries under way reject with `error`. */
  destroy(error: Error): void {
    this.#broken ??= error;
    this.#connection.stream.destroy(error);
  }

  /** pg's connect. It rejects with an error that has a `code` (SQLSTATE or errno), or with a PostgresAwayError. */
  override connect: Client['connect'] = ((callback?: Callback): unknown => {
    const connect = super.connect.bind(this) as (done: Callback) => void;
    const open = (done: Callback): void => connect((error) => done(error ? toAwayError(error) : null, this));
    if (callback) return open(callback);
    return new Promise((resolve, reject) => {
      open((error) => (error ? reject(error) : resolve(this)));
    });
  }) as Client['connect'];

  /** pg's query with the bound `answerMs`. It does not support cursors or other query objects with a `submit` method. */
  override query: Client['query'] = ((query: string | QueryConfig, ...rest: unknown[]): unknown => {
    const callback = typeof rest.at(-1) === 'function' ? (rest.pop() as Callback) : null;
    const values = rest[0] as unknown[] | undefined;
    if (this.#broken) {
      const error = this.#broken;
      if (!callback) return Promise.reject(error);
      return process.nextTick(() => callback(error));
    }
    const asked = performance.now();
    this.#pending += 1;
    const timer = setTimeout(() => {
      this.destroy(new PostgresAwayError(`no answer within ${this.answerMs} ms`));
      this.onSilent(asked);
    }, this.answerMs);
    const settle = (error: unknown): Error | null => {
      clearTimeout(timer);
      this.#pending -= 1;
      if (!this.#broken) this.heardAt = performance.now();
      if (!error) return null;
      return this.#broken && codeOf(error) === null ? this.#broken : (error as Error);
    };
    const send = super.query.bind(this) as (query: unknown, values: unknown, callback: Callback) => void;
    const ask = (done: Callback): void => send(query, values, (error, result) => done(settle(error), result));
    if (callback) return ask(callback);
    return new Promise((resolve, reject) => {
      ask((error, result) => (error ? reject(error) : resolve(result)));
    });
  }) as Client['query'];

  /** Ends the connection properly. If the server does not answer within a second, the socket is destroyed. */
  override end: Client['end'] = ((callback?: () => void): unknown =>
    endWithin(
      GOODBYE_MS,
      (done) => super.end(done),
      () => this.#connection.stream.destroy(),
      callback,
    )) as Client['end'];
}

const GOODBYE_MS = 1_000;

/** Calls `end`, and `force` when `end` is not done after `ms`. Answers like pg: by callback if given, else by promise. */
export function endWithin(
  ms: number,
  end: (done: () => void) => void,
  force: () => void,
  callback?: () => void,
): Promise<void> | void {
  const timer = setTimeout(force, ms).unref();
  const leave = (done: () => void): void =>
    end(() => {
      clearTimeout(timer);
      done();
    });
  if (callback) return leave(callback);
  return new Promise<void>(leave);
}
