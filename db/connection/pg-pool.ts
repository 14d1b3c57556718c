/** Pools of bounded connections (db/connection/pg-client.ts). */
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { BoundedClient, boundedConfig, endWithin, PostgresAwayError, toAwayError } from './pg-client.ts';
import { POSTGRES, type PostgresBounds } from '../../runtime/bounds.ts';

export interface BoundedPoolConfig extends Omit<PoolConfig, 'Client'> {
  /** Default: those of requests and activities. */
  bounds?: PostgresBounds;
}

type Connected = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

/** As long as tarn keeps them, so that a service in use does not connect again and again. */
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
    // Whoever has the connection hears of it by the next query; a broken one does not come back into the pool.
    client.on('error', () => undefined);
    this.#clients.add(client);
    client.onSilent = (since) => {
      for (const other of this.#clients)
        if (other !== client && other.isQuiet && other.heardAt < since)
          other.destroy(new PostgresAwayError('another connection of the pool does not answer'));
    };
  }

  /** Closes the pool; what is still under way after two seconds is ended. */
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
 * A pool whose connections may break at any time. pg takes its own error listener off a connection that is in use; a server
 * that ends it between the answer to its query and its way back into the pool would then end the process.
 *
 * A connection that does not answer is destroyed, and with it those that lie idle and were not heard since it fell
 * silent: what has cut one has most likely cut the others, and each would cost its next user the same wait.
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
