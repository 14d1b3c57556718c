/**
 * A TCP proxy between one process and one server, which injects network faults into their connections. A fault holds for
 * present and future connections until it is healed. `abandon` silences the open connections for good.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export type Fault =
  /** Delays every chunk. */
  | { kind: 'latency'; ms: number }
  /** Passes nothing on, in one or both directions. Bytes that were sent meanwhile arrive after `heal`, as with TCP. */
  | { kind: 'blackHole'; way: 'both' | 'toServer' | 'toClient' }
  /** Passes on this many bytes every `ms`. */
  | { kind: 'drip'; bytes: number; ms: number }
  /** Closes the server's side of every connection, also of new ones. The client's side stays open. */
  | { kind: 'halfOpen' };

export interface FaultProxy {
  /** `127.0.0.1:<port>`. */
  address: string;
  port: number;
  /** How many connections were opened so far. */
  opened(): number;
  /** How many connections are open at the client's side now, without abandoned ones. */
  open(): number;
  inject(fault: Fault): void;
  heal(): void;
  /** Resets every open connection after this many more bytes, in the middle of a frame, unless `heal` comes before. */
  resetAfter(bytes: number): void;
  /** Passes nothing on over the open connections any more and leaves both sides open. New connections work. */
  abandon(): void;
  close(): Promise<void>;
}

interface Link {
  client: Socket;
  server: Socket;
  /** Whether the connection is silent for good. */
  isDead: boolean;
  /** The bytes until the reset; null when there is none to come. */
  left: number | null;
}

const LOOK_MS = 10;

/** Starts a proxy to a server on this machine. */
export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const links = new Set<Link>();
  let fault: Fault | null = null;
  let opened = 0;
  let closed = false;

  const isBlocked = (link: Link, way: 'toServer' | 'toClient'): boolean =>
    fault?.kind === 'blackHole' && !link.isDead && (fault.way === 'both' || fault.way === way);

  const write = async (link: Link, to: Socket, bytes: Buffer): Promise<void> => {
    if (link.isDead || to.destroyed || bytes.length === 0) return;
    let part = bytes;
    if (link.left !== null) {
      part = bytes.subarray(0, link.left);
      link.left -= part.length;
    }
    to.write(part);
    if (link.left === 0) {
      // The bytes must leave before the reset.
      await delay(LOOK_MS);
      link.client.resetAndDestroy();
      link.server.resetAndDestroy();
    }
  };

  const pump = async (link: Link, way: 'toServer' | 'toClient'): Promise<void> => {
    const [from, to] = way === 'toServer' ? [link.client, link.server] : [link.server, link.client];
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        let rest = chunk;
        while (rest.length > 0 && !link.isDead && !closed) {
          if (isBlocked(link, way)) {
            await delay(LOOK_MS);
            continue;
          }
          if (fault?.kind === 'latency') await delay(fault.ms);
          if (isBlocked(link, way)) continue;
          let size = rest.length;
          if (fault?.kind === 'drip') {
            size = fault.bytes;
            await delay(fault.ms);
          }
          await write(link, to, rest.subarray(0, size));
          rest = rest.subarray(size);
        }
      }
    } catch {
      // The connection broke. The code below ends the other side.
    }
    while (isBlocked(link, way) && !closed) await delay(LOOK_MS);
    if (link.isDead || fault?.kind === 'halfOpen') return;
    to.end();
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    opened += 1;
    const upstream = connect({ ...target, allowHalfOpen: true });
    const link: Link = { client, server: upstream, isDead: false, left: null };
    links.add(link);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => {
        if (!link.isDead && fault?.kind !== 'halfOpen') {
          client.destroy();
          upstream.destroy();
        }
      });
    }
    client.on('close', () => {
      links.delete(link);
      if (!link.isDead) upstream.destroy();
    });
    if (fault?.kind === 'halfOpen') upstream.destroy();
    void pump(link, 'toServer');
    void pump(link, 'toClient');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    port,
    opened: () => opened,
    open: () => [...links].filter((link) => !link.isDead).length,
    inject(next) {
      fault = next;
      if (next.kind === 'halfOpen') for (const link of links) link.server.destroy();
    },
    heal() {
      const was = fault;
      fault = null;
      for (const link of links) link.left = null;
      // Half-open connections stay silent, because their server's side is closed.
      if (was?.kind === 'halfOpen') for (const link of links) link.isDead = true;
    },
    resetAfter(bytes) {
      for (const link of links) link.left = bytes;
    },
    abandon() {
      for (const link of links) link.isDead = true;
    },
    async close() {
      closed = true;
      const ended = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const link of links) {
        link.isDead = false;
        link.client.destroy();
        link.server.destroy();
      }
      await ended;
    },
  };
}
