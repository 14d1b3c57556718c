/** Composition root of the Temporal worker: everything the activities need is made here, and closed here. */
import {
  DefaultLogger,
  type NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { createHeavyWork } from '../activities/heavy-work.ts';
import { createActivities } from '../activities/index.ts';
import { createExecutePublicSqlTool } from '../activities/tools/execute-public-sql.ts';
import { getBlockInfoTool } from '../activities/tools/get-block-info.ts';
import { createGetAssetDetailsTool } from '../activities/tools/get-asset-details.ts';
import { createGetWorkflowRunLogsTool } from '../activities/tools/get-workflow-run-logs.ts';
import { createListProjectAssetsTool } from '../activities/tools/list-project-assets.ts';
import { createGetDbSchemaTool } from '../activities/tools/get-db-schema.ts';
import { createAssetActions } from '../activities/tools/assets/asset-actions.ts';
import { manageProjectAssetTool } from '../activities/tools/assets/manage-project-asset.ts';
import { createModifyWorkflowTool } from '../activities/tools/modify-workflow.ts';
import { createPythonChecker } from '../activities/tools/python-syntax.ts';
import { type AnyTool, createToolRegistry } from '../activities/tools/registry.ts';
import { DEFAULT_MODEL } from '../models/models.ts';
import { findFullAsset, findIdsByName, listAssets, listNames } from '../db/assets/asset-lists.ts';
import { createEventLog } from '../db/events/event-log.ts';
import { createKnex } from '../db/connection/knex.ts';
import { loadProjectFacts } from '../db/assets/project-facts.ts';
import * as assetStore from '../db/assets/project-assets.ts';
import { findRun, listRuns } from '../db/assets/run-logs.ts';
import { createSqlSandbox } from '../db/sql-sandbox/sql-sandbox.ts';
import { createTurnStore } from '../db/turns/turn-store.ts';
import type { StreamLimits } from '../llm/adapters/watchdog.ts';
import { createModelClient } from '../llm/create-client.ts';
import { createContextWindow } from '../llm/context/context-window.ts';
import { createPrompt } from '../llm/prompt/prompt.ts';
import { catalogueOf, type Config, type TemporalConfig } from '../runtime/config.ts';
import { connectNative } from '../runtime/connections.ts';
import type { Logger } from '../runtime/logger.ts';
import { startLoopWatchdog, underName } from '../runtime/loop-watchdog.ts';
import { createTemporalIdentity, ForeignNamespaceError } from '../db/temporal/temporal-identity.ts';
import { createThreadPool } from '../runtime/thread-pool.ts';
import { loadWorkflowBundle } from './bundle-cache.ts';

export interface RunningWorker {
  /** Hands running activities over to other workers and closes everything. May be called twice. */
  stop(): Promise<void>;
  /** Resolves with the error when the worker ends without having been stopped. */
  failed: Promise<Error>;
}

export interface WorkerSettings {
  config: Config;
  databaseUrl: string;
  temporalAddress: string;
  logger: Logger;
  /** Shared with the API of the same process; its owner closes it. */
  nativeConnection?: NativeConnection;
  /** Tools beside the product's own. */
  moreTools?: readonly AnyTool[];
  /** How long a provider may stay silent, and how much it may send. */
  streamLimits?: StreamLimits;
  /** A bundle that was loaded before. Without it the worker loads one. */
  workflowBundle?: { code: string };
}

/** How Temporal's Core is set up in this process. Must be called before the first native connection, once. */
export function installRuntime(logger: Logger): void {
  const level = (name: string) => (name === 'WARN' ? 'warn' : name === 'ERROR' ? 'error' : 'debug');
  Runtime.install({
    logger: new DefaultLogger('INFO', (entry) => {
      logger[level(entry.level)]({ sdk: entry.meta?.sdkComponent, ...pickIds(entry.meta) }, entry.message);
    }),
    // The process has its own shutdown; Core's handlers would stop the worker behind its back.
    shutdownSignals: [],
  });
}

function pickIds(meta: Record<string, unknown> | undefined): Record<string, unknown> {
  const { workflowId, runId, activityType, error } = meta ?? {};
  return { workflowId, runId, activityType, ...(error instanceof Error ? { err: error } : {}) };
}

/** Starts a worker. Fails when Temporal is not there; ForeignNamespaceError: the database's turns run elsewhere. */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { config, databaseUrl, logger } = settings;
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
  });
  const catalogue = catalogueOf(config);
  const modelIds = catalogue.models.map((model) => model.id);
  const pool = createThreadPool({ entry: new URL('./heavy-thread.ts', import.meta.url) });
  const heavy = createHeavyWork(pool.run);
  const watchdog = startLoopWatchdog(logger);
  const sandbox = createSqlSandbox({ databaseUrl, config, logger, pool });
  sandbox.prepare().catch((error: unknown) => logger.warn({ err: error }, 'the SQL tool is not ready'));
  const activities = createActivities({
    store: createTurnStore(db),
    events,
    model: createModelClient(config, catalogue, settings.streamLimits),
    prompt: createPrompt(),
    window: createContextWindow(catalogue, pool),
    heavy,
    tools: createToolRegistry([
      createExecutePublicSqlTool({ sandbox }),
      getBlockInfoTool,
      createGetAssetDetailsTool({
        findFullAsset: (kind, id) => findFullAsset(db, kind, id),
        findIdsByName: (kind, name) => findIdsByName(db, kind, name),
        listNames: (kind, limit) => listNames(db, kind, limit),
      }),
      createGetDbSchemaTool({ sandbox }),
      createGetWorkflowRunLogsTool({
        listRuns: (workflowId, options) => listRuns(db, workflowId, options),
        findRun: (workflowId, id, block) => findRun(db, workflowId, id, block),
      }),
      createListProjectAssetsTool({ listAssets: (kind, options) => listAssets(db, kind, options) }),
      manageProjectAssetTool,
      createModifyWorkflowTool({
        python: createPythonChecker(),
        editGraph: heavy.editGraph,
        loadProjectFacts: (mentions) => loadProjectFacts(db, mentions, modelIds),
      }),
      ...(settings.moreTools ?? []),
    ]),
    assets: createAssetActions({
      db,
      store: assetStore,
      models: () => modelIds,
      defaultModel: DEFAULT_MODEL,
    }),
    confirmationTtlMs: config.confirmationTtlMs,
    catalogue,
    logger,
  });
  const release = async (): Promise<void> => {
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
    activities: withNames(activities),
    workflowBundle: settings.workflowBundle ?? (await loadWorkflowBundle()),
    ...versioningOf(config.temporal.workerVersion),
    ...LIMITS,
  }).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  const running = worker.run();
  let stopping = false;
  const failed = new Promise<Error>((resolve) => {
    running.then(
      () => stopping || resolve(new Error('the worker stopped by itself')),
      (error: unknown) => resolve(error instanceof Error ? error : new Error(String(error))),
    );
  });
  logger.info({ taskQueue: config.temporal.taskQueue }, 'worker is polling');

  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    stopping = true;
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running.catch((error: unknown) => logger.warn({ err: error }, 'worker ended with an error'));
    await release();
  };
  return { stop: () => (stopped ??= stop()), failed };
}

/** Wraps each activity so that the watchdog can name what ran. */
function withNames(
  activities: ReturnType<typeof createActivities>,
): Record<string, (input: never) => Promise<unknown>> {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      (input: never) => underName<unknown>(`activity ${name}`, () => run(input)),
    ]),
  );
}

/** With a version, a turn goes on under the deployment's current one at its next task: it is never left behind. */
function versioningOf(version: TemporalConfig['workerVersion']): Partial<WorkerOptions> {
  if (version === null) return {};
  return {
    workerDeploymentOptions: {
      version,
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

const LIMITS: Partial<WorkerOptions> = {
  maxConcurrentActivityTaskExecutions: 200,
  maxConcurrentWorkflowTaskExecutions: 40,
  // A task that goes to a process that stands still is lost until its timeout, and each open poll may lose one. So an
  // idle worker keeps few polls open.
  activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: 10 },
  workflowTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: 10 },
  // After this long, a workflow task that waits for a dead worker's sticky queue goes to another worker.
  stickyQueueScheduleToStartTimeout: '1s',
  // The server must hear of every heartbeat: its timeout (4 s) is how a dead worker is noticed.
  maxHeartbeatThrottleInterval: '800ms',
  defaultHeartbeatThrottleInterval: '800ms',
  // Running activities are handed over at once: another worker goes on where the transcript stands.
  shutdownGraceTime: 0,
  shutdownForceTime: '3s',
};
