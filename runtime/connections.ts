/**
 * Creates the Temporal connections. A worker has one native connection. In a process with both roles, the API's client uses
 * that connection too, because eager workflow start needs it.
 */
import { Client, type ClientInterceptors } from '@temporalio/client';
import type { NativeConnection, NativeConnectionOptions, TLSConfig } from '@temporalio/worker';
import { TEMPORAL } from './bounds.ts';
import type { TemporalConfig } from './config.ts';
import { watchLink } from './link-watch.ts';
import type { Logger } from './logger.ts';
import { TemporalClientLink } from './temporal-client-link.ts';
import { openRelay } from './temporal-relay.ts';

function toConnectionOptions({ apiKey, tls, metadata }: TemporalConfig, address: string) {
  return {
    address,
    tls,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** A native connection and the watch over its link. */
export interface NativeLink {
  connection: NativeConnection;
  /** Ends the watch and closes the connection. Its workers must be stopped before. */
  close(): Promise<void>;
}

/** Connects a worker. Rejects when the server can't be reached or does not answer. The caller closes the link. */
export async function connectNative(
  config: TemporalConfig,
  address: string,
  logger: Logger,
): Promise<NativeLink> {
  const direct = toConnectionOptions(config, address);
  const relay = await openRelay(address);
  // Core connects to the relay's address. TLS and the requests must still name the server's host.
  const tls = direct.tls === false ? false : withServerName(direct.tls, relay.host);
  const options = { ...direct, tls, address: relay.address };
  try {
    const connection = await connectInTime(options);
    const endWatch = watchLink<{ connection: NativeConnection; startedAt: number }>(
      {
        probe: () =>
          connection.withDeadline(Date.now() + 5 * TEMPORAL.probeMs, () =>
            connection.workflowService.getSystemInfo({}),
          ),
        async tryFresh() {
          const startedAt = performance.now();
          return { connection: await connectInTime(options), startedAt };
        },
        async replace({ connection: fresh, startedAt }) {
          logger.warn({ address }, 'a connection to Temporal had fallen silent and is replaced');
          relay.cut(startedAt);
          await fresh.close();
        },
        discard: ({ connection: fresh }) => fresh.close(),
        onError: (error) => logger.debug({ err: error }, 'the connection to Temporal could not be probed'),
      },
      TEMPORAL,
    );
    return {
      connection,
      async close() {
        endWatch();
        await connection.close();
        relay.close();
      },
    };
  } catch (error: unknown) {
    relay.close();
    throw error;
  }
}

function withServerName(tls: true | TLSConfig, host: string): TLSConfig {
  return tls === true
    ? { serverNameOverride: host }
    : { ...tls, serverNameOverride: tls.serverNameOverride ?? host };
}

/** Connects within TEMPORAL.connectMs. Core itself would wait for ever for a server that accepts and does not answer. */
async function connectInTime(options: NativeConnectionOptions): Promise<NativeConnection> {
  const { NativeConnection, TransportError } = await import('@temporalio/worker');
  const connecting = NativeConnection.connect(options);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, TEMPORAL.connectMs, null);
  });
  const connection = await Promise.race([connecting, late]).finally(() => clearTimeout(timer));
  if (connection) return connection;
  connecting.then((unwanted) => unwanted.close()).catch(() => undefined);
  throw new TransportError(`no answer within ${TEMPORAL.connectMs} ms`);
}

/**
 * Creates a client that connects on its first call. So an API can start while Temporal is away, and answers 503. With
 * `native`, the client uses the worker's connection, and `close` does not close that connection.
 */
export async function connectTemporalClient(
  config: TemporalConfig,
  address: string,
  logger: Logger,
  { native, interceptors = {} }: { native?: NativeConnection; interceptors?: ClientInterceptors } = {},
): Promise<{ client: Client; close(): Promise<void> }> {
  if (native) {
    return {
      client: new Client({ connection: native, namespace: config.namespace, interceptors }),
      close: async () => undefined,
    };
  }
  const connection = new TemporalClientLink(toConnectionOptions(config, address), () =>
    logger.warn({ address }, 'a connection to Temporal had fallen silent and is replaced'),
  );
  return {
    client: new Client({ connection, namespace: config.namespace, interceptors }),
    close: () => connection.close(),
  };
}
