/** The versions of the worker deployment: which one begins new turns, and how many open turns each one has. */
import { status } from '@grpc/grpc-js';
import { Client, type ConnectionLike, isGrpcServiceError } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { TemporalConfig } from '../runtime/config.ts';

/** How Temporal refuses an unknown version, one of an unknown deployment, and one whose workers do not poll all queues. */
const REFUSALS = [status.NOT_FOUND, status.FAILED_PRECONDITION];
/** PINNED_OVERRIDE_BEHAVIOR_PINNED */
const PINNED = 1;
const MOVES_AT_ONCE = 8;

export interface DeploymentVersion {
  /** Null stands for the workers without a version. */
  buildId: string | null;
  /** Whether this version begins the new turns. */
  isCurrent: boolean;
  /** When a worker of this version last asked for work; null when none did in the last minutes. */
  lastPoll: Date | null;
  /** The open turns and other workflows that belong to this version. */
  open: number;
}

export interface Deployment {
  /** The versions that Temporal knows, the newest first, and at the end the workers without a version. */
  list(): Promise<DeploymentVersion[]>;
  /**
   * Who begins new turns. `chosen`: it was said once, for a version or for the workers without one. Before that,
   * `unversioned` when there are workers without a version, otherwise `nobody`.
   */
  beginner(): Promise<'chosen' | 'unversioned' | 'nobody'>;
  /**
   * Lets a version begin the new turns; null for the workers without a version. Returns why Temporal refuses the version, such
   * as one that no worker has polled for yet; null when the version is current.
   */
  makeCurrent(buildId: string | null): Promise<string | null>;
  /**
   * Moves the open workflows of a version to another version, which must be able to replay them. With null they follow the
   * current version. Returns how many were moved.
   */
  move(from: string, to: string | null): Promise<number>;
}

/** With worker versioning, a turn is pinned: the version that began it also ends it, unless an operator moves the turn. */
export function versioningOf({ deployment, buildId }: TemporalConfig): Partial<WorkerOptions> {
  if (buildId === null) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: deployment, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

/** Creates the view of a deployment. The caller closes the connection. */
export function createDeployment(
  connection: ConnectionLike,
  { namespace, taskQueue, deployment: deploymentName }: TemporalConfig,
): Deployment {
  const client = new Client({ connection, namespace });
  const { workflowService } = connection;

  const openOf = (buildId: string | null): string => {
    const version =
      buildId === null
        ? 'TemporalWorkerDeploymentVersion is null'
        : `TemporalWorkerDeploymentVersion = '${deploymentName}:${buildId}'`;
    return `ExecutionStatus = 'Running' and TaskQueue = '${taskQueue}' and ${version}`;
  };

  const readDeployment = () =>
    workflowService.describeWorkerDeployment({ namespace, deploymentName }).catch(nullOnNotFound);

  /** The time of the last poll by build id; null is the key of workers without a version. */
  const readPolls = async (): Promise<Map<string | null, Date>> => {
    const { pollers } = await workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
    });
    const polls = new Map<string | null, Date>();
    for (const { deploymentOptions, lastAccessTime } of pollers) {
      const buildId = deploymentOptions?.buildId || null;
      if (buildId !== null && deploymentOptions?.deploymentName !== deploymentName) continue;
      const at = new Date(Number(lastAccessTime?.seconds ?? 0) * 1_000);
      if (at > (polls.get(buildId) ?? 0)) polls.set(buildId, at);
    }
    return polls;
  };

  return {
    async list() {
      const [deployment, polls] = await Promise.all([readDeployment(), readPolls()]);
      const info = deployment?.workerDeploymentInfo;
      const current = info?.routingConfig?.currentDeploymentVersion?.buildId ?? null;
      const known = (info?.versionSummaries ?? []).flatMap(
        ({ deploymentVersion }) => deploymentVersion?.buildId ?? [],
      );
      return Promise.all(
        [...known, null].map(async (buildId) => ({
          buildId,
          isCurrent: buildId === current,
          lastPoll: polls.get(buildId) ?? null,
          open: (await client.workflow.count(openOf(buildId))).count,
        })),
      );
    },

    async beginner() {
      const [deployment, polls] = await Promise.all([readDeployment(), readPolls()]);
      const routing = deployment?.workerDeploymentInfo?.routingConfig;
      if (routing?.currentVersionChangedTime) return 'chosen';
      return polls.has(null) ? 'unversioned' : 'nobody';
    },

    async makeCurrent(buildId) {
      try {
        await workflowService.setWorkerDeploymentCurrentVersion({
          namespace,
          deploymentName,
          buildId: buildId ?? '',
          identity: client.options.identity,
        });
        return null;
      } catch (error: unknown) {
        if (isGrpcServiceError(error) && REFUSALS.includes(error.code)) return error.details;
        throw error;
      }
    },

    async move(from, to) {
      const versioningOverride =
        to === null
          ? { autoUpgrade: true }
          : { pinned: { behavior: PINNED, version: { deploymentName, buildId: to } } };
      let moved = 0;
      const workflows = client.workflow.list({ query: openOf(from) })[Symbol.asyncIterator]();
      const moveThem = async (): Promise<void> => {
        for (;;) {
          const { value, done } = await workflows.next();
          if (done === true) return;
          const { workflowId, runId } = value;
          const answer = await workflowService
            .updateWorkflowExecutionOptions({
              namespace,
              workflowExecution: { workflowId, runId },
              workflowExecutionOptions: { versioningOverride },
              updateMask: { paths: ['versioning_override'] },
            })
            .catch(nullOnNotFound);
          if (answer !== null) moved += 1;
        }
      };
      await Promise.all(Array.from({ length: MOVES_AT_ONCE }, moveThem));
      return moved;
    },
  };
}

function nullOnNotFound(error: unknown): null {
  if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) return null;
  throw error;
}
