/** Pools of plain pg connections, for what must not wait behind requests. */
import { Pool, type PoolConfig } from 'pg';

/**
 * A pool whose connections may break at any time. pg takes its own error listener off a connection that is in use; a server
 * that ends it between the answer to its query and its way back into the pool would then end the process.
 */
export function createPool(config: PoolConfig, onError: (error: unknown) => void): Pool {
  const pool = new Pool(config);
  pool.on('error', onError);
  // Whoever has the connection hears of it by the next query; a broken one does not come back into the pool.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  return pool;
}
