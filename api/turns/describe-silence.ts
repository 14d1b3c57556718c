/** Describes what Temporal knows of a silent turn, as one line for a person. Pure. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { ModelHeartbeat, TurnProgress } from '../../contracts/turn.ts';
import { WAITING_FOR_CONFIRMATION } from '../../domain/text/status-map.ts';

/** Activities that wait for a model. */
const MODEL_ACTIVITIES = ['callModel', 'summarizeHistory'];

const WAITING_FOR_WORKER = 'Waiting for a worker...';
/** When no worker has taken a pending activity or task for this long, no worker is free. */
const WAITING_MS = 2_000;
/** PENDING_ACTIVITY_STATE_SCHEDULED: in the queue, or waiting for its next attempt. */
const SCHEDULED = 1;

/** The status line, or null when there is nothing to tell. */
export function describeSilence(
  description: Pick<WorkflowExecutionDescription, 'raw'>,
  progress: TurnProgress | null,
  now: number,
): { message: string; step?: number } | null {
  const step = progress ? { step: progress.step } : {};
  if (progress?.pendingConfirmation) return { message: WAITING_FOR_CONFIRMATION, ...step };
  const task = description.raw.pendingWorkflowTask;
  if (task && !task.startedTime && ageMs(task.scheduledTime, now) > WAITING_MS) {
    return { message: WAITING_FOR_WORKER, ...step };
  }
  for (const activity of description.raw.pendingActivities ?? []) {
    const isModel = MODEL_ACTIVITIES.includes(activity.activityType?.name ?? '');
    const attempt = activity.attempt ?? 1;
    if (Number(activity.state) === SCHEDULED) {
      const nextMs = -ageMs(activity.scheduledTime, now);
      if (attempt > 1 && nextMs > 0) {
        const seconds = Math.max(1, Math.ceil(nextMs / 1_000));
        return {
          message: `${reasonOf(activity.lastFailure, isModel)} (retry ${attempt - 1} in ${seconds} s)...`,
          ...step,
        };
      }
      if (nextMs < -WAITING_MS) return { message: WAITING_FOR_WORKER, ...step };
    } else if (isModel) {
      const notes = [
        ...(attempt > 1 ? [`attempt ${attempt}`] : []),
        ...tokensSoFar(activity.heartbeatDetails?.payloads?.[0]?.data),
      ];
      const aside = notes.length > 0 ? ` (${notes.join(', ')})` : '';
      return { message: `Still thinking${aside}...`, ...step };
    }
  }
  if (progress) return { message: progress.activity, ...step };
  // A worker took the task but does not answer queries, as when its connection is broken.
  return task || (description.raw.pendingActivities ?? []).length > 0
    ? { message: WAITING_FOR_WORKER }
    : null;
}

/** The token count of a model call's last heartbeat, in words; an empty list without one. */
function tokensSoFar(data: Uint8Array | null | undefined): string[] {
  if (!data) return [];
  try {
    const { tokens } = JSON.parse(Buffer.from(data).toString('utf8')) as Partial<ModelHeartbeat>;
    return typeof tokens === 'number' && tokens > 0 ? [`about ${tokens} tokens so far`] : [];
  } catch {
    return [];
  }
}

/** Why the last attempt failed. Our activities write their own messages; a timeout of Temporal is known by its info. */
function reasonOf(
  failure: { message?: string | null; timeoutFailureInfo?: object | null } | null | undefined,
  isModel: boolean,
): string {
  if (!failure || failure.timeoutFailureInfo) return 'The worker was lost; another one takes over';
  const text = (failure.message ?? '').replace(/[.\s]+$/, '');
  if (text !== '') return text;
  return isModel ? 'The model is not available' : 'The step failed';
}

function ageMs(
  time: { seconds?: { toString(): string } | null; nanos?: number | null } | null | undefined,
  now: number,
): number {
  if (!time) return 0;
  return now - Number((time.seconds ?? 0).toString()) * 1_000 - (time.nanos ?? 0) / 1e6;
}
