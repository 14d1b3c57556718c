import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { toHttpError } from '../../../api/middleware/errors.ts';
import { PostgresAwayError } from '../../../db/connection/pg-client.ts';
import { isConnectionError, isTransient } from '../../../db/connection/pg-errors.ts';

const failed = (code: string): Error => Object.assign(new Error('said by the server'), { code });

test('a server that is away, full, busy or failing is one that may do the same later: 503, and never a 500', () => {
  // No connection, conflicts, locks and timeouts, no room (disk, memory, connections), a stop, a failure of its system.
  const codes = ['08006', 'ECONNREFUSED', '40001', '40P01', '25P03', '55P03'];
  codes.push('53100', '53200', '53300', '53400', '57014', '57P01', '57P03', '58000', '58030');
  for (const error of [new PostgresAwayError('no answer'), ...codes.map(failed)]) {
    assert.ok(isTransient(error), String((error as { code?: unknown }).code));
    const answer = toHttpError(error);
    assert.equal(answer?.status, 503, String((error as { code?: unknown }).code));
    assert.match(answer.headers['Retry-After'] ?? '', /^[0-9]+$/);
  }
});

test('a statement that is wrong is wrong the next time too', () => {
  for (const code of ['22P05', '23503', '23505', '42601', '42P01', '54000', 'XX000', 'FENCED'])
    assert.equal(isTransient(failed(code)), false, code);
  assert.equal(isTransient(new Error('anything else')), false);
});

/** A server that sends `hello` to each connection, and then nothing. */
async function startSilentServer(t: TestContext, hello: Buffer): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    if (hello.length > 0) socket.write(hello);
    t.after(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

test('the time of a plain client that runs out is a server that is away', async (t) => {
  const silent = new Client({
    ...(await startSilentServer(t, Buffer.alloc(0))),
    connectionTimeoutMillis: 20,
  });
  silent.on('error', () => undefined);
  await assert.rejects(silent.connect(), (error) => isConnectionError(error));

  // AuthenticationOk and ReadyForQuery: the server takes the login, and then answers no query.
  const welcome = Buffer.from('5200000008000000005a0000000549', 'hex');
  const idle = new Client({ ...(await startSilentServer(t, welcome)), query_timeout: 20 });
  idle.on('error', () => undefined);
  await idle.connect();
  await assert.rejects(idle.query('select 1'), (error) => isConnectionError(error));
});
