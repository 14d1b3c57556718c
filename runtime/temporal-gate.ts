/**
 * The way from Temporal's Core to the server, with a door that we can shut. Core keeps one connection, offers no
 * setting for its keepalive (30 and 15 s), and goes on waiting for open polls when its client is replaced: a link that
 * fell silent would cost a worker the better part of a minute. So Core connects through a CONNECT proxy in this
 * process, which can end a silent connection at once; Core's own retries do the rest. TLS, where it is on, goes from
 * Core to the server as before: the proxy moves bytes that it can't read.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { TCP, TEMPORAL } from './bounds.ts';

export interface TemporalGate {
  /** What Core is told; the password is this process's own, so that nobody else goes through. */
  proxy: NonNullable<NativeConnectionOptions['proxy']>;
  /** Ends the connections that were opened before `time` (performance.now()). */
  cut(time: number): void;
  close(): void;
}

const USER = 'core';

/** Opens a gate on a free loopback port. */
export async function openGate(): Promise<TemporalGate> {
  const password = randomBytes(24).toString('hex');
  const expected = Buffer.from(`Basic ${Buffer.from(`${USER}:${password}`).toString('base64')}`);
  const links = new Map<Duplex, { upstream: Socket; openedAt: number }>();
  const server = createServer((_request, response) => response.writeHead(405).end());

  const isOurs = ({ headers }: IncomingMessage): boolean => {
    const given = Buffer.from(headers['proxy-authorization'] ?? '');
    return given.length === expected.length && timingSafeEqual(given, expected);
  };

  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => undefined);
    const target = URL.parse(`tcp://${request.url ?? ''}`);
    if (!isOurs(request) || target === null || target.port === '') {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const upstream = connect({
      host: target.hostname.replace(/^\[|\]$/g, ''),
      port: Number(target.port),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP.keepAliveMs,
    });
    (client as Socket).setNoDelay(true);
    links.set(client, { upstream, openedAt: performance.now() });
    const late = setTimeout(() => upstream.destroy(), TEMPORAL.connectMs);
    upstream.on('error', () => undefined);
    upstream.on('connect', () => {
      clearTimeout(late);
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
    });
    upstream.on('close', () => {
      clearTimeout(late);
      client.destroy();
    });
    client.on('close', () => {
      links.delete(client);
      upstream.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // A gate keeps no process alive: what goes through it does.
  server.unref();

  const cut = (time: number): void => {
    for (const [client, { upstream, openedAt }] of links) {
      if (openedAt >= time) continue;
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    proxy: {
      type: 'http-connect',
      targetHost: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      basicAuth: { username: USER, password },
    },
    cut,
    close() {
      server.close();
      cut(Number.POSITIVE_INFINITY);
    },
  };
}
