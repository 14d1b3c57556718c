/**
 * Temporal connections from our configuration. A worker process makes one native connection; a process that is
 * worker and API at once hands it to the client too, which is what eager workflow start needs.
 */
import { Client } from '@temporalio/client';
import type { NativeConnection, NativeConnectionOptions, TLSConfig } from '@temporalio/worker';
import { TEMPORAL } from './bounds.ts';
import type { TemporalConfig } from './config.ts';
import { watchLink } from './link-watch.ts';
import type { Logger } from './logger.ts';
import { TemporalClientLink } from './temporal-client-link.ts';
import { openGate } from './temporal-gate.ts';

function toConnectionOptions({ apiKey, tls, metadata }: TemporalConfig, address: string) {
  return {
    address,
    tls,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** A native connection with what watches it. */
export interface NativeLink {
  connection: NativeConnection;
  /** Closes it. Workers on it must have been stopped. */
  close(): Promise<void>;
}

/** The worker's connection. Fails when the server is not there, or does not answer. The caller closes it. */
export async function connectNative(
  config: TemporalConfig,
  address: string,
  logger: Logger,
): Promise<NativeLink> {
  const direct = toConnectionOptions(config, address);
  const gate = await openGate(address);
  // The server is asked for by its own name, in TLS and in the requests.
  const tls = direct.tls === false ? false : withServerName(direct.tls, gate.host);
  const options = { ...direct, tls, address: gate.address };
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
          logger.warn({ address }, 'a link to Temporal had fallen silent; it is replaced');
          gate.cut(startedAt);
          await fresh.close();
        },
        discard: ({ connection: fresh }) => fresh.close(),
        onError: (error) => logger.debug({ err: error }, 'the link to Temporal could not be looked at'),
      },
      TEMPORAL,
    );
    return {
      connection,
      async close() {
        endWatch();
        await connection.close();
        gate.close();
      },
    };
  } catch (error: unknown) {
    gate.close();
    throw error;
  }
}

function withServerName(tls: true | TLSConfig, host: string): TLSConfig {
  return tls === true
    ? { serverNameOverride: host }
    : { ...tls, serverNameOverride: tls.serverNameOverride ?? host };
}

/** Core waits for a server that accepts connections and says nothing. */
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
 * A client that connects on its first call, so that an API starts while Temporal is away and answers 503.
 * With `native`, it shares the worker's connection and leaves closing it to its owner.
 */
export async function connectTemporalClient(
  config: TemporalConfig,
  address: string,
  logger: Logger,
  native?: NativeConnection,
): Promise<{ client: Client; close(): Promise<void> }> {
  if (native) {
    return {
      client: new Client({ connection: native, namespace: config.namespace }),
      close: async () => undefined,
    };
  }
  const connection = new TemporalClientLink(toConnectionOptions(config, address), () =>
    logger.warn({ address }, 'a link to Temporal had fallen silent; it is replaced'),
  );
  return {
    client: new Client({ connection, namespace: config.namespace }),
    close: () => connection.close(),
  };
}
