/** Pools of bounded connections (db/connection/pg-client.ts). */
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { BoundedClient, boundedConfig, endWithin, PostgresAwayError, toAwayError } from './pg-client.ts';
import { POSTGRES, type PostgresBounds } from '../../runtime/bounds.ts';

export interface BoundedPoolConfig extends Omit<PoolConfig, 'Client'> {
  /** Default: POSTGRES, the bounds of requests and activities. */
  bounds?: PostgresBounds;
}

type Connected = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

/** How long an idle connection is kept. pg's default of 10 s would make a quiet service reconnect often. */
const IDLE_MS = 30_000;
const END_MS = 2_000;

class BoundedPool extends Pool {
  readonly #clients = new Set<BoundedClient>();

  constructor(config: PoolConfig) {
    super(config);
    this.on('connect', (client) => this.#keep(client as unknown as BoundedClient));
    this.on('remove', (client) => void this.#clients.delete(client as unknown as BoundedClient));
  }

  #keep(client: BoundedClient): void {
    // Without a listener an 'error' event ends the process. The next query on the connection rejects with the error.
    client.on('error', () => undefined);
    this.#clients.add(client);
    client.onSilent = (since) => {
      for (const other of this.#clients)
        if (other !== client && other.isQuiet && other.heardAt < since)
          other.destroy(new PostgresAwayError('another connection of the pool does not answer'));
    };
  }

  /** Closes the pool. Connections that are still in use after two seconds are destroyed. */
  override end: Pool['end'] = ((callback?: () => void): unknown =>
    endWithin(
      END_MS,
      (done) => super.end(done),
      () => {
        for (const client of this.#clients) client.destroy(new PostgresAwayError('the pool is closed'));
      },
      callback,
    )) as Pool['end'];

  override connect(): Promise<PoolClient>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<PoolClient> | void {
    if (callback)
      return super.connect((error, client, done) => callback(error && toAwayError(error), client, done));
    return super.connect().catch((error: unknown) => Promise.reject(toAwayError(error)));
  }
}

/**
 * Creates a pool that survives broken connections. pg removes its error listener from a connection that is in use. If the
 * server ended such a connection between two queries, the unhandled 'error' event would end the process.
 *
 * A connection that does not answer in time is destroyed. So are the idle connections that have not heard from the server
 * since the unanswered query was sent: the same network fault has most likely cut them, and each would cost its next user
 * the same wait.
 */
export function createPool(config: BoundedPoolConfig, onError: (error: unknown) => void): Pool {
  const { bounds = POSTGRES, ...rest } = config;
  const pool = new BoundedPool({
    idleTimeoutMillis: IDLE_MS,
    allowExitOnIdle: true,
    ...boundedConfig({ ...rest, bounds }),
    Client: BoundedClient as unknown as NonNullable<PoolConfig['Client']>,
  });
  pool.on('error', onError);
  return pool;
}
