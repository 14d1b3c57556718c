/** The calls that the API makes to a turn's workflow, each with its own deadline. */
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
/** The states of a closed run. In any other state, also an unknown one, a run may go on. */
const CLOSED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT']);

/** Asks the turn's workflow to cancel. False when no workflow of this turn is open. */
export async function sendCancel(
  { client }: TurnControlOptions,
  turn: Pick<Turn, 'id' | 'sessionId'>,
): Promise<boolean> {
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

/** Signals a waiting turn that its question was decided. False when the signal could not be sent. */
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
    // The workflow has closed, so no signal is needed. The sweeper or a reader's request settles the turn.
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
    // Without a worker or Temporal, or when the run has just closed, the answer has no progress.
    return null;
  }
}

/** The latest run of a turn's workflow; null when there is none, or the fault that kept Temporal from answering. */
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

/** Whether the latest run under the session's id belongs to this turn and is not known to be closed. */
export function isOpen(description: WorkflowExecutionDescription, turn: Pick<Turn, 'id'>): boolean {
  return isOwn(description, turn) && !CLOSED.has(description.status.name);
}

/** Whether the latest run under the session's id belongs to this turn. */
export function isOwn(description: WorkflowExecutionDescription, turn: Pick<Turn, 'id'>): boolean {
  return ((description.memo ?? {}) as { turnId?: unknown }).turnId === turn.id;
}
