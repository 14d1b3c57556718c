/**
 * The schedule of Temporal that runs retention. Each worker brings the schedule to its own configuration when it starts, so
 * the newest configuration holds, and a changed pace needs no other step. When nothing is to be deleted, there is no
 * schedule. A schedule that an operator has paused stays paused.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ConnectionLike,
  ScheduleAlreadyRunning,
  ScheduleClient,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { RETENTION_WORKFLOW } from '../contracts/names.ts';
import { TEMPORAL } from '../runtime/bounds.ts';
import type { Config } from '../runtime/config.ts';
import type { Logger } from '../runtime/logger.ts';

/** A run that has not ended by then, because no worker or no database is there, is given up. The next run goes on. */
const RUN_TIMEOUT_MS = 3_600_000;
/** Runs that fell due while Temporal was away are not made up for, except one of the last minute. */
const CATCHUP_WINDOW_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

type ScheduleSettings = Pick<Config, 'temporal' | 'retention'>;

/** The id of the schedule. Services that share a namespace have task queues of their own. */
export function retentionScheduleId(taskQueue: string): string {
  return `copilot-retention-${taskQueue}`;
}

/** Creates, updates or deletes the schedule, so that it is as the configuration says. */
export async function applyRetentionSchedule(
  connection: ConnectionLike,
  { temporal, retention }: ScheduleSettings,
): Promise<void> {
  const client = new ScheduleClient({ connection, namespace: temporal.namespace });
  const scheduleId = retentionScheduleId(temporal.taskQueue);
  const handle = client.getHandle(scheduleId);
  const { everyMs, ...input } = retention;
  if (input.eventsMs === null && input.sessionsMs === null) {
    await handle.delete().catch((error: unknown) => {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    });
    return;
  }
  const wanted = {
    spec: { intervals: [{ every: everyMs }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: RETENTION_WORKFLOW,
      workflowId: scheduleId,
      taskQueue: temporal.taskQueue,
      workflowExecutionTimeout: RUN_TIMEOUT_MS,
      args: [input],
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCHUP_WINDOW_MS },
  };
  try {
    await client.create({ scheduleId, ...wanted });
  } catch (error: unknown) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await handle.update(({ state }) => ({ ...wanted, state }));
  }
}

/** Applies the schedule in the background, in growing pauses until this succeeds. Turns do not wait for it. */
export function keepRetentionSchedule(options: {
  connection: ConnectionLike;
  config: ScheduleSettings;
  logger: Logger;
}): { stop(): void } {
  const { connection, config, logger } = options;
  const stopped = new AbortController();
  const apply = async (): Promise<void> => {
    for (let pause = FIRST_RETRY_MS; !stopped.signal.aborted; pause = Math.min(MAX_RETRY_MS, pause * 2)) {
      try {
        await connection.withDeadline(Date.now() + TEMPORAL.rpcMs, () =>
          applyRetentionSchedule(connection, config),
        );
        return;
      } catch (error: unknown) {
        if (stopped.signal.aborted) return;
        logger.warn({ err: error }, 'the schedule of retention could not be set; trying again');
        await delay(pause, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);
      }
    }
  };
  void apply();
  return { stop: () => stopped.abort() };
}
