/** The composition root of the Temporal worker: creates and closes everything that the activities need. */
import {
  DefaultLogger,
  type NativeConnection,
  Runtime,
  type TelemetryOptions,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Knex } from 'knex';
import { createHeavyWork } from '../activities/heavy-work.ts';
import { createRetentionActivities } from '../activities/delete-expired.ts';
import { createActivities } from '../activities/index.ts';
import { TOOLS } from '../activities/tools/index.ts';
import { createPythonChecker } from '../activities/tools/python-syntax.ts';
import { createToolRegistry } from '../activities/tools/registry.ts';
import type { ToolRow } from '../activities/tools/tool.ts';
import { DEFAULT_MODEL } from '../models/models.ts';
import { recordAct } from '../db/audit/audit.ts';
import { createEventLog, type EventLog } from '../db/events/event-log.ts';
import { connectionsOf, createKnex } from '../db/connection/knex.ts';
import * as assetStore from '../db/assets/project-assets.ts';
import { isBudgetSpent } from '../db/limits/budgets.ts';
import { createProjectReader } from '../db/assets/project-reader.ts';
import { createSqlSandbox, type SqlSandbox } from '../db/sql-sandbox/sql-sandbox.ts';
import { createRetentionStore } from '../db/retention-store.ts';
import { createTurnStore } from '../db/turns/turn-store.ts';
import type { StreamLimits } from '../llm/adapters/watchdog.ts';
import { createModelClient } from '../llm/create-client.ts';
import { createContextWindow } from '../llm/context/context-window.ts';
import { createPrompt } from '../llm/prompt/prompt.ts';
import { catalogueOf, type Config } from '../runtime/config.ts';
import { connectNative } from '../runtime/connections.ts';
import type { Logger } from '../runtime/logger.ts';
import { createMetrics, type Metrics } from '../runtime/metrics/metrics.ts';
import { startLoopWatchdog, underName } from '../runtime/loop-watchdog.ts';
import { createTemporalIdentity, ForeignNamespaceError } from '../db/temporal/temporal-identity.ts';
import { createThreadPool, type ThreadPool } from '../runtime/thread-pool.ts';
import { loadWorkflowBundle } from './bundle-cache.ts';
import { versioningOf } from './deployment.ts';
import { beginFirstVersion } from './first-version.ts';
import { keepRetentionSchedule } from './retention-schedule.ts';
import { traceOptions } from './trace-options.ts';

export interface RunningWorker {
  /** Stops polling, ends running activities so that other workers continue them, and closes everything. Idempotent. */
  stop(): Promise<void>;
  /** Resolves with an error when the worker ends although `stop` was not called. */
  failed: Promise<Error>;
}

export interface WorkerSettings {
  config: Config;
  databaseUrl: string;
  temporalAddress: string;
  logger: Logger;
  /** Without it the worker's metrics are shown nowhere. */
  metrics?: Metrics;
  /** A connection that the API of the same process shares. Its owner closes it. */
  nativeConnection?: NativeConnection;
  /** Tools in addition to the product's. */
  moreTools?: readonly ToolRow[];
  /** How long a provider may stay silent, and how much it may send. */
  streamLimits?: StreamLimits;
  /** A bundle that was loaded before. Without it the worker loads one. */
  workflowBundle?: { code: string };
}

/**
 * Sets up Temporal's Core in this process. Must be called once, before the first native connection. `telemetryOptions` come
 * from core-metrics.ts; without them Core measures nothing.
 */
export function installRuntime(logger: Logger, telemetryOptions: TelemetryOptions = {}): void {
  const level = (name: string) => (name === 'WARN' ? 'warn' : name === 'ERROR' ? 'error' : 'debug');
  Runtime.install({
    telemetryOptions,
    logger: new DefaultLogger('INFO', (entry) => {
      logger[level(entry.level)]({ sdk: entry.meta?.sdkComponent, ...pickIds(entry.meta) }, entry.message);
    }),
    // The process has its own shutdown. Core's signal handlers would stop the worker too early.
    shutdownSignals: [],
  });
}

function pickIds(meta: Record<string, unknown> | undefined): Record<string, unknown> {
  const { workflowId, runId, activityType, error } = meta ?? {};
  return { workflowId, runId, activityType, ...(error instanceof Error ? { err: error } : {}) };
}

/**
 * Starts a worker. Rejects when Temporal or the database can't be reached, and with ForeignNamespaceError when another
 * Temporal namespace runs the database's turns.
 */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { config, databaseUrl, logger, metrics = createMetrics({ runtime: false }) } = settings;
  const ownLink =
    settings.nativeConnection === undefined
      ? await connectNative(config.temporal, settings.temporalAddress, logger)
      : null;
  const connection = settings.nativeConnection ?? ownLink!.connection;
  const db = createKnex({ databaseUrl, applicationName: 'copilot-worker' });
  try {
    const problem = await createTemporalIdentity({ db, connection, config, logger }).verify();
    if (problem !== null) throw new ForeignNamespaceError(problem);
  } catch (error: unknown) {
    await db.destroy();
    if (!settings.nativeConnection) await connection.close();
    throw error;
  }
  const events = createEventLog({
    databaseUrl,
    onError: (error) => logger.warn({ err: error }, 'the event log waits for Postgres'),
    onFlush(seconds, count) {
      metrics.eventFlush.observe(seconds);
      metrics.eventsWritten.inc(count);
    },
  });
  const catalogue = catalogueOf(config);
  const modelIds = catalogue.models.map((model) => model.id);
  const pool = createThreadPool({ entry: new URL('./heavy-thread.ts', import.meta.url) });
  const heavy = createHeavyWork(pool.run);
  const watchdog = startLoopWatchdog(logger);
  const sandbox = createSqlSandbox({
    databaseUrl,
    config,
    logger,
    pool,
    onRefusal: (code) => metrics.sqlRefusals.inc({ code }),
  });
  sandbox.prepare().catch((error: unknown) => logger.warn({ err: error }, 'the SQL tool is not ready'));
  const activities = createActivities({
    store: createTurnStore(db),
    events,
    model: createModelClient(config, catalogue, settings.streamLimits),
    prompt: createPrompt(),
    window: createContextWindow(catalogue, pool),
    heavy,
    tools: createToolRegistry([...TOOLS, ...(settings.moreTools ?? [])], {
      project: createProjectReader(db),
      sandbox,
      python: createPythonChecker(),
      editGraph: heavy.editGraph,
      catalogue,
      assets: { db, store: assetStore, recordAct, models: () => modelIds, defaultModel: DEFAULT_MODEL },
    }),
    confirmationTtlMs: config.confirmationTtlMs,
    isBudgetSpent: (turnId) => isBudgetSpent(db, config.budgets, turnId),
    catalogue,
    metrics,
    traceContent: config.tracing?.withContent ?? false,
    logger,
  });
  const unwatch = watch(metrics, { db, pool, events, sandbox });
  const release = async (): Promise<void> => {
    unwatch();
    watchdog.stop();
    await pool.close();
    await events.close();
    await db.destroy();
    await ownLink?.close();
  };
  const worker = await Worker.create({
    connection,
    namespace: config.temporal.namespace,
    taskQueue: config.temporal.taskQueue,
    activities: withNames({
      ...activities,
      ...createRetentionActivities({ store: createRetentionStore(db), logger }),
    }),
    workflowBundle: settings.workflowBundle ?? (await loadWorkflowBundle()),
    ...versioningOf(config.temporal),
    ...traceOptions(config.tracing !== null),
    ...LIMITS,
  }).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  const running = worker.run();
  const schedule = keepRetentionSchedule({ connection, config, logger });
  let stopping = false;
  const failed = new Promise<Error>((resolve) => {
    running.then(
      () => stopping || resolve(new Error('the worker stopped by itself')),
      (error: unknown) => resolve(error instanceof Error ? error : new Error(String(error))),
    );
  });
  logger.info({ taskQueue: config.temporal.taskQueue }, 'worker is polling');
  const ended = new AbortController();
  const { buildId } = config.temporal;
  if (buildId !== null)
    void beginFirstVersion(buildId, {
      connection,
      temporal: config.temporal,
      logger,
      signal: ended.signal,
    });

  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    stopping = true;
    ended.abort();
    schedule.stop();
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running.catch((error: unknown) => logger.warn({ err: error }, 'worker ended with an error'));
    await release();
  };
  return { stop: () => (stopped ??= stop()), failed };
}

/** Shows the state of the worker's parts on the metrics page. Returns a function that ends it. */
function watch(
  metrics: Metrics,
  { db, pool, events, sandbox }: { db: Knex; pool: ThreadPool; events: EventLog; sandbox: SqlSandbox },
): () => void {
  let survived = 0;
  const ends = [
    metrics.watchConnections('worker', () => connectionsOf(db)),
    metrics.watchTasks('worker', () => pool.tasks()),
    metrics.onScrape(() => {
      const { total, alive } = sandbox.survivors();
      metrics.eventsPending.set(events.backlog());
      metrics.sqlSurvivors.set(alive);
      metrics.sqlSurvived.inc(total - survived);
      survived = total;
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** Wraps each activity so that the watchdog can name what ran. */
function withNames(
  activities: ReturnType<typeof createActivities> & ReturnType<typeof createRetentionActivities>,
): Record<string, (input: never) => Promise<unknown>> {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      (input: never) => underName<unknown>(`activity ${name}`, () => run(input)),
    ]),
  );
}

const LIMITS: Partial<WorkerOptions> = {
  maxConcurrentActivityTaskExecutions: 200,
  maxConcurrentWorkflowTaskExecutions: 40,
  // Turns that wait for a person cost a worker no memory beyond this many: the one that was idle longest leaves the cache,
  // and its history is replayed when it goes on. The SDK's own limit grows with the heap.
  maxCachedWorkflows: 500,
  // A task that a stuck process takes is lost until its timeout. Each open poll may take one, so an idle worker keeps few
  // polls open.
  activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: 10 },
  workflowTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: 10 },
  // How long a workflow task waits in the sticky queue of a dead worker before it goes to another worker.
  stickyQueueScheduleToStartTimeout: '1s',
  // The server must get every heartbeat: a missing heartbeat (4 s) is how it notices a dead worker.
  maxHeartbeatThrottleInterval: '800ms',
  defaultHeartbeatThrottleInterval: '800ms',
  // Running activities are cancelled at once. Another worker continues from the stored transcript.
  shutdownGraceTime: 0,
  shutdownForceTime: '3s',
};
