/** A client's connection to Temporal. A silent connection is replaced by a new one; the client does not notice. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Connection,
  type ConnectionLike,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { TEMPORAL } from './bounds.ts';
import { endOnClosedChannel } from './closed-channel.ts';
import { watchLink } from './link-watch.ts';

type Metadata = Parameters<ConnectionLike['withMetadata']>[0];

/** Without this setting, gRPC would reuse the silent transport for a new connection. */
const OWN_TRANSPORT = { 'grpc.use_local_subchannel_pool': 1 };
/** The deadline of a probe's call. The watch has decided long before. */
const PROBE_END_MS = 5 * TEMPORAL.probeMs;

/** The gRPC codes CANCELLED, DEADLINE_EXCEEDED and UNAVAILABLE: no server answered. Any other error is an answer. */
const UNHEARD = new Set([1, 4, 14]);

class AskedConnection extends Connection {
  /**
   * Resolves when the server answers, also with an error. The SDK's own calls can't be used, because the SDK retries them
   * until their deadline.
   */
  ask(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const call = this.client.makeUnaryRequest(
        '/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo',
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.alloc(0),
        { deadline: Date.now() + ms },
        (error) => (error && UNHEARD.has(error.code) ? reject(error) : resolve()),
      );
      signal?.addEventListener('abort', () => call.cancel(), { once: true });
    });
  }

  static open(options: ConnectionOptions): AskedConnection {
    return AskedConnection.lazy(options) as AskedConnection;
  }
}

export class TemporalClientLink implements ConnectionLike {
  readonly plugins: ConnectionLike['plugins'] = [];
  readonly #options: ConnectionOptions;
  /** The connection of a call with a deadline, metadata or a signal: these are set on one connection. */
  readonly #pinned = new AsyncLocalStorage<Connection>();
  readonly #endWatch: () => void;
  readonly #retired = new Set<Connection>();
  #current: AskedConnection;

  /** Connects on the first call. `onReplaced` is called when a silent connection was replaced. */
  constructor(options: ConnectionOptions, onReplaced: () => void) {
    this.#options = {
      ...options,
      channelArgs: OWN_TRANSPORT,
      interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), endOnClosedChannel],
    };
    this.#current = AskedConnection.open(this.#options);
    this.#endWatch = watchLink<AskedConnection>(
      {
        probe: (signal) => this.#current.ask(PROBE_END_MS, signal),
        tryFresh: async () => {
          const fresh = AskedConnection.open(this.#options);
          try {
            await fresh.ask(TEMPORAL.connectMs);
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

  /** Closes a connection after the deadlines of its calls, so that none of them is interrupted. */
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

  /** Closes all connections. Calls that wait for a retry end as CANCELLED, all others by their deadlines. */
  async close(): Promise<void> {
    this.#endWatch();
    await Promise.all([this.#current, ...this.#retired].map((connection) => connection.close()));
    this.#retired.clear();
  }
}
