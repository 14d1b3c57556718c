/** What the API asks of a turn's workflow, each call with its own deadline. */
import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { turnWorkflowId } from '../../contracts/turn-workflow-id.ts';
import type { TurnProgress } from '../../contracts/turn.ts';
import type { Turn } from '../../db/turns/turn.ts';
import { TEMPORAL } from '../../runtime/bounds.ts';
import { cancelSignal, confirmSignal, progressQuery } from '../../workflows/messages.ts';
import { type TemporalFault, toTemporalFault, toTemporalHttpError } from '../http/temporal-errors.ts';
import type { TurnControlOptions } from './turn-control-options.ts';

export const RPC_DEADLINE_MS = TEMPORAL.rpcMs;
const QUERY_DEADLINE_MS = TEMPORAL.queryMs;
/** A run in any other state, one that is not known included, may go on. */
const CLOSED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT']);

/** False when no workflow of this turn is open. */
export async function sendCancel({ client }: TurnControlOptions, turn: Turn): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + RPC_DEADLINE_MS, () =>
      client.workflow.getHandle(turnWorkflowId(turn.sessionId)).signal(cancelSignal, { turnId: turn.id }),
    );
    return true;
  } catch (error: unknown) {
    if (error instanceof WorkflowNotFoundError) return false;
    const fault = toTemporalFault(error);
    throw fault ? toTemporalHttpError(fault, error) : error;
  }
}

/** Tells a waiting turn that its question was decided. False when it could not be told. */
export async function wake(
  { client, logger }: TurnControlOptions,
  turn: { id: string; sessionId: string },
  callId: string,
): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + RPC_DEADLINE_MS, () =>
      client.workflow
        .getHandle(turnWorkflowId(turn.sessionId))
        .signal(confirmSignal, { turnId: turn.id, callId }),
    );
    return true;
  } catch (error: unknown) {
    // Its workflow is over: settling the turn is somebody else's work, telling it nobody's.
    if (error instanceof WorkflowNotFoundError) return true;
    logger[toTemporalFault(error)?.kind === 'refused' ? 'error' : 'warn'](
      { err: error, turn: turn.id },
      'a turn could not be told of a decision; it will be told again',
    );
    return false;
  }
}

export async function queryProgress(client: Client, turn: Turn): Promise<TurnProgress | null> {
  try {
    const progress = await client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () =>
      client.workflow.getHandle(turnWorkflowId(turn.sessionId)).query(progressQuery),
    );
    return progress.turnId === turn.id ? progress : null;
  } catch {
    // No worker, no Temporal, or the run has just closed: the live part of the answer is left out.
    return null;
  }
}

/** What Temporal knows of a turn's workflow: its latest run, null when there is none, or why it does not say. */
export async function describe(
  client: Client,
  turn: Pick<Turn, 'sessionId'>,
): Promise<WorkflowExecutionDescription | { fault: TemporalFault } | null> {
  try {
    return await client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () =>
      client.workflow.getHandle(turnWorkflowId(turn.sessionId)).describe(),
    );
  } catch (error: unknown) {
    if (error instanceof WorkflowNotFoundError) return null;
    const fault = toTemporalFault(error);
    if (fault) return { fault };
    throw error;
  }
}

/** Whether this is the latest run under the session's id and not known to be over. */
export function isOpen(description: WorkflowExecutionDescription, turn: Pick<Turn, 'id'>): boolean {
  return isOwn(description, turn) && !CLOSED.has(description.status.name);
}

/** Whether the latest run under the session's id is this turn's. */
export function isOwn(description: WorkflowExecutionDescription, turn: Pick<Turn, 'id'>): boolean {
  return ((description.memo ?? {}) as { turnId?: unknown }).turnId === turn.id;
}
