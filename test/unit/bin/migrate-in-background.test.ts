/** A process whose database can't be migrated for now waits for it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { migrateInBackground } from '../../../bin/migrate-in-background.ts';
import type { Shutdown } from '../../../runtime/shutdown.ts';
import { silentLogger } from '../../support/test-api.ts';

/** Postgres' answer to a login: an error with this SQLSTATE. */
function refusalOf(sqlState: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C${sqlState}\0Mnot now\0\0`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(fields.length + 4);
  return Buffer.concat([Buffer.from('E'), length, fields]);
}

for (const [sqlState, meaning] of [
  ['57P03', 'starts up'],
  ['53100', 'has no disk space'],
  ['57014', 'was out of time'],
] as const)
  test(`a database that ${meaning} is migrated later`, async (t) => {
    let logins = 0;
    let stop: () => unknown = () => undefined;
    const shutdown: Shutdown = {
      add: (_name, close) => void (stop = close),
      run: async () => undefined,
      exit: () => undefined,
    };
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      logins += 1;
      // The second login is the second try.
      if (logins === 2) stop();
      socket.end(refusalOf(sqlState));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;

    await migrateInBackground({
      databaseUrl: `postgres://a:b@127.0.0.1:${port}/c`,
      logger: silentLogger,
      shutdown,
    });
    assert.equal(logins, 2);
  });
