/**
 * A relay between Temporal's Core (the SDK's native part) and the server. Core has one connection, no setting for its
 * keepalive (30 and 15 s), and waits for open polls even when its client is replaced. So a silent connection would stop a
 * worker for up to 45 s. Core connects to this relay, which can end a silent connection at once; Core then retries. With
 * TLS, Core encrypts and the relay can't read the bytes. (A CONNECT proxy would not do: there, Core leaves Nagle's algorithm
 * on, which costs 40 ms a call.)
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { TCP, TEMPORAL } from './bounds.ts';

export interface TemporalRelay {
  /** The address for Core: `127.0.0.1:<port>`. */
  address: string;
  /** The server's host, which is the server name for TLS. */
  host: string;
  /** Ends the connections that were opened before `time` (performance.now()). */
  cut(time: number): void;
  close(): void;
}

const DEFAULT_PORT = 7233;

/** Opens a relay to a server (`host` or `host:port`) on a free loopback port. Throws TypeError for an invalid address. */
export async function openRelay(server: string): Promise<TemporalRelay> {
  const url = new URL(server.includes('://') ? server : `tcp://${server}`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const links = new Map<Socket, { upstream: Socket; openedAt: number }>();
  const relay = createServer({ noDelay: true }, (client) => {
    const upstream = connect({
      host,
      port: Number(url.port) || DEFAULT_PORT,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP.keepAliveMs,
    });
    links.set(client, { upstream, openedAt: performance.now() });
    const late = setTimeout(() => upstream.destroy(), TEMPORAL.connectMs);
    client.on('error', () => undefined);
    upstream.on('error', () => undefined);
    upstream.on('connect', () => clearTimeout(late));
    upstream.on('close', () => {
      clearTimeout(late);
      client.destroy();
    });
    client.on('close', () => {
      links.delete(client);
      upstream.destroy();
    });
    upstream.pipe(client);
    client.pipe(upstream);
  });
  await new Promise<void>((resolve, reject) => {
    relay.once('error', reject);
    relay.listen(0, '127.0.0.1', resolve);
  });
  // The listening socket does not keep the process alive; open connections do.
  relay.unref();

  const cut = (time: number): void => {
    for (const [client, { upstream, openedAt }] of links) {
      if (openedAt >= time) continue;
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    address: `127.0.0.1:${(relay.address() as AddressInfo).port}`,
    host,
    cut,
    close() {
      relay.close();
      cut(Number.POSITIVE_INFINITY);
    },
  };
}
