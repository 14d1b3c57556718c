/** The composition root of the API process: creates and closes everything that the application needs. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../contracts/names.ts';
import { connectionsOf, createKnex } from '../db/connection/knex.ts';
import { catalogueOf, type Config } from '../runtime/config.ts';
import { connectTemporalClient } from '../runtime/connections.ts';
import type { Logger } from '../runtime/logger.ts';
import { createMetrics, type Metrics } from '../runtime/metrics/metrics.ts';
import { createTemporalIdentity } from '../db/temporal/temporal-identity.ts';
import { createThreadPool } from '../runtime/thread-pool.ts';
import { startLoopWatchdog } from '../runtime/loop-watchdog.ts';
import { createApp } from './app.ts';
import { createGraphDiff } from './graphs/diff-graphs.ts';
import { createTurnEventHub } from './event-stream/turn-event-hub.ts';
import { createReadiness } from './health/readiness.ts';
import { createHttpServer } from './http/http-server.ts';
import { toTemporalFault } from './http/temporal-errors.ts';
import { createRequestLimits } from './limits/request-limits.ts';
import { createServiceCounts } from './metrics/service-counts.ts';
import { createRevertPlanner } from './graphs/plan-revert.ts';
import { routes } from './routes.ts';
import { createTurnLink } from './turns/turn-link.ts';
import { traceStarts } from './turns/trace-starts.ts';
import { createTurnControl } from './turns/create-turn-control.ts';

export interface ApiOptions {
  config: Config;
  databaseUrl: string;
  temporalAddress: string;
  /** The address of the Temporal UI; null when it is not known. */
  temporalUi?: string | null;
  jwtSecret: Uint8Array;
  logger: Logger;
  /** The metrics of this process. When absent, the API makes its own. */
  metrics?: Metrics;
  /** The connection that a worker of the same process shares. Its owner closes it. */
  nativeConnection?: NativeConnection;
}

export interface RunningApi {
  /** Such as `http://127.0.0.1:4600`. */
  url: string;
  port: number;
  /** Ends streams at once, running requests within two seconds, then everything else. May be called twice. */
  close(): Promise<void>;
}

const DRAIN_MS = 2_000;
const CLOSE_STEP_MS = 1_000;

/**
 * Starts the API. Without Postgres or Temporal it starts too, and answers 503 until they are there.
 * Fails with Node's error (`code` EADDRINUSE, EACCES) when it can't listen, and when a file of /docs is missing.
 */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { config, databaseUrl, logger, jwtSecret, metrics = createMetrics() } = options;
  const temporal = await connectTemporalClient(config.temporal, options.temporalAddress, logger, {
    ...(options.nativeConnection === undefined ? {} : { native: options.nativeConnection }),
    ...(config.tracing === null ? {} : { interceptors: { workflow: [traceStarts()] } }),
  });
  const db = createKnex({ databaseUrl, applicationName: 'copilot-api' });
  const pool = createThreadPool({ entry: new URL('./heavy-thread.ts', import.meta.url) });
  const identity = createTemporalIdentity({ db, connection: temporal.client.connection, config, logger });
  const catalogue = catalogueOf(config);
  const turns = createTurnControl({
    db,
    client: temporal.client,
    identity,
    taskQueue: config.temporal.taskQueue,
    linkToTurn: createTurnLink({ uiUrl: options.temporalUi ?? null, namespace: config.temporal.namespace }),
    catalogue,
    fallbackModel: config.fallbackModel,
    limits: config.limits,
    budgets: config.budgets,
    promptVersion: config.promptVersion,
    // With worker versioning, Temporal decides which version begins a turn, so no worker gets the turn past the server.
    eagerStart: options.nativeConnection !== undefined && config.temporal.buildId === null,
    searchAttributes: createSearchAttributeCheck(temporal.client, config.temporal.namespace),
    diffGraphs: createGraphDiff(pool),
    onFinding: (finding) => metrics.sweeperFindings.inc({ finding }),
    logger,
  });
  const hub = createTurnEventHub({
    databaseUrl,
    logger,
    inspectSilence: (turnId) => turns.inspectSilence(turnId),
    onBlocked: () => metrics.slowReaders.inc(),
  });
  const counts = createServiceCounts({
    db,
    models: catalogue.listOptions().flatMap(({ value, available }) => (available ? [value] : [])),
    logger,
  });
  const unwatch = [
    metrics.watchConnections('api', () => connectionsOf(db)),
    metrics.watchTasks('api', () => pool.tasks()),
    metrics.onScrape(() => {
      metrics.streamsOpen.set(hub.viewerCount);
      metrics.streamsBlocked.set(hub.blockedCount);
    }),
    metrics.addPart(() => counts.page()),
  ];
  const planRevert = createRevertPlanner(pool);
  const readiness = createReadiness({
    db,
    client: temporal.client,
    namespace: config.temporal.namespace,
    identity,
  });
  const limits = createRequestLimits({ db, limits: config.limits, logger });
  const app = createApp({
    db,
    config,
    jwtSecret,
    logger,
    metrics,
    turns,
    hub,
    limits,
    planRevert,
    readiness,
  });
  const server = createHttpServer(app);

  const watchdog = startLoopWatchdog(logger);
  const release = async (): Promise<void> => {
    for (const end of unwatch) end();
    counts.close();
    watchdog.stop();
    await pool.close();
    turns.close();
    await hub.close();
    await withinStep(limits.close());
    await withinStep(db.destroy());
    await withinStep(temporal.close());
  };
  try {
    await Promise.all(routes.map(async ({ prepare }) => prepare?.()));
    await listen(server, config);
  } catch (error: unknown) {
    await release();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  logger.info({ url }, 'API is listening');

  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const drained = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    // A keep-alive connection whose stream has just ended would keep the server open until its client closes it.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    await hub.close();
    await drained;
    clearInterval(sweep);
    clearTimeout(force);
    await release();
  };
  return { url, port, close: () => (closed ??= close()) };
}

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Closing does not wait longer than this for a server that does not answer. */
async function withinStep(work: Promise<unknown>): Promise<void> {
  await Promise.race([work.catch(() => undefined), delay(CLOSE_STEP_MS, undefined, { ref: false })]);
}

/**
 * Whether the server knows our search attributes. A yes is final. After a no or a refusal, the server is asked again after
 * a minute, because an operator may add them; a server that is away is asked again after five seconds. Only the first start
 * of a turn waits for the answer; later ones use the last known answer.
 */
function createSearchAttributeCheck(client: Client, namespace: string): () => Promise<boolean> {
  const wanted = Object.values(SEARCH_ATTRIBUTES);
  let known = false;
  let askAgainAt = 0;
  let asking: Promise<void> | null = null;
  let answered = false;
  const ask = async (): Promise<void> => {
    try {
      const { customAttributes } = await client.withDeadline(Date.now() + CLOSE_STEP_MS, () =>
        client.connection.operatorService.listSearchAttributes({ namespace }),
      );
      known = wanted.every((name) => name in (customAttributes ?? {}));
      askAgainAt = Date.now() + 60_000;
    } catch (error: unknown) {
      askAgainAt = Date.now() + (toTemporalFault(error)?.kind === 'refused' ? 60_000 : 5_000);
    }
    answered = true;
  };
  return async () => {
    if (known || Date.now() < askAgainAt) return known;
    asking ??= ask().finally(() => (asking = null));
    if (!answered) await asking;
    return known;
  };
}
