/** A client's connection to Temporal that is replaced when it falls silent, under the hands of the client that uses it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Connection, type ConnectionLike, type ConnectionOptions } from '@temporalio/client';
import { TEMPORAL } from './bounds.ts';
import { watchLink } from './link-watch.ts';

type Metadata = Parameters<ConnectionLike['withMetadata']>[0];

/** Without it, gRPC would give a new connection the silent transport of the old one. */
const OWN_TRANSPORT = { 'grpc.use_local_subchannel_pool': 1 };
/** The questions of the watch end by themselves long after it has made up its mind. */
const PROBE_END_MS = 5 * TEMPORAL.probeMs;

export class TemporalClientLink implements ConnectionLike {
  readonly plugins: ConnectionLike['plugins'] = [];
  readonly #options: ConnectionOptions;
  /** Deadlines belong to one connection: a call that has one stays on it. */
  readonly #pinned = new AsyncLocalStorage<Connection>();
  readonly #endWatch: () => void;
  readonly #retired = new Set<Connection>();
  #current: Connection;

  /** Connects on the first call. `onReplaced` hears of links that had fallen silent. */
  constructor(options: ConnectionOptions, onReplaced: () => void) {
    this.#options = { ...options, channelArgs: OWN_TRANSPORT };
    this.#current = Connection.lazy(this.#options);
    this.#endWatch = watchLink<Connection>(
      {
        probe: (signal) => ask(this.#current, signal),
        tryFresh: async () => {
          const fresh = Connection.lazy({ ...this.#options, connectTimeout: TEMPORAL.connectMs });
          try {
            await fresh.ensureConnected();
            return fresh;
          } catch (error: unknown) {
            await fresh.close();
            throw error;
          }
        },
        replace: (fresh) => {
          const silent = this.#current;
          this.#current = fresh;
          onReplaced();
          this.#retire(silent);
        },
        discard: (fresh) => fresh.close(),
        onError: () => undefined,
      },
      TEMPORAL,
    );
  }

  /**
   * Closes a connection once the calls on it have met their deadlines: gRPC's retry of a call whose channel was closed
   * throws where nobody can catch it.
   */
  #retire(connection: Connection): void {
    this.#retired.add(connection);
    setTimeout(() => {
      if (this.#retired.delete(connection)) void connection.close();
    }, PROBE_END_MS).unref();
  }

  get #connection(): Connection {
    return this.#pinned.getStore() ?? this.#current;
  }

  get workflowService(): ConnectionLike['workflowService'] {
    return this.#connection.workflowService;
  }

  get operatorService(): ConnectionLike['operatorService'] {
    return this.#connection.operatorService;
  }

  withDeadline<R>(deadline: number | Date, work: () => Promise<R>): Promise<R> {
    const connection = this.#connection;
    return this.#pinned.run(connection, () => connection.withDeadline(deadline, work));
  }

  withMetadata<R>(metadata: Metadata, work: () => Promise<R>): Promise<R> {
    const connection = this.#connection;
    return this.#pinned.run(connection, () => connection.withMetadata(metadata, work));
  }

  withAbortSignal<R>(signal: AbortSignal, work: () => Promise<R>): Promise<R> {
    const connection = this.#connection;
    return this.#pinned.run(connection, () => connection.withAbortSignal(signal, work));
  }

  ensureConnected(): Promise<void> {
    return this.#connection.ensureConnected();
  }

  async close(): Promise<void> {
    this.#endWatch();
    await Promise.all([this.#current, ...this.#retired].map((connection) => connection.close()));
    this.#retired.clear();
  }
}

function ask(connection: Connection, signal: AbortSignal): Promise<unknown> {
  return connection.withAbortSignal(signal, () =>
    connection.withDeadline(Date.now() + PROBE_END_MS, () => connection.workflowService.getSystemInfo({})),
  );
}
