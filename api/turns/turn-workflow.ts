/** What the API asks of a turn's workflow, each call with its own deadline. */
import {
  type Client,
  isGrpcServiceError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { turnWorkflowId } from '../../contracts/names.ts';
import type { TurnProgress } from '../../contracts/turn.ts';
import type { Turn } from '../../db/turns.ts';
import { cancelSignal, confirmSignal, progressQuery } from '../../workflows/messages.ts';
import { HttpError } from '../http-error.ts';
import type { TurnControlOptions } from './turn-control-options.ts';

export const RPC_DEADLINE_MS = 3_000;
const QUERY_DEADLINE_MS = 1_500;

/** False when no workflow of this turn is open. */
export async function sendCancel({ client }: TurnControlOptions, turn: Turn): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + RPC_DEADLINE_MS, () =>
      client.workflow.getHandle(turnWorkflowId(turn.sessionId)).signal(cancelSignal, { turnId: turn.id }),
    );
    return true;
  } catch (error: unknown) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw new HttpError(
      503,
      'The workflow service is not reachable. Please try again.',
      {},
      { 'Retry-After': '2' },
      { cause: error },
    );
  }
}

/** Tells a waiting turn that its question was decided. */
export async function wake(
  { client, logger }: TurnControlOptions,
  turn: { id: string; sessionId: string },
  callId: string,
): Promise<void> {
  try {
    await client.withDeadline(Date.now() + RPC_DEADLINE_MS, () =>
      client.workflow
        .getHandle(turnWorkflowId(turn.sessionId))
        .signal(confirmSignal, { turnId: turn.id, callId }),
    );
  } catch (error: unknown) {
    if (error instanceof WorkflowNotFoundError) return;
    logger.warn(
      { err: error, turn: turn.id },
      'a turn could not be told of a decision; it will be told again',
    );
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

export async function describe(
  client: Client,
  turn: Turn,
): Promise<WorkflowExecutionDescription | 'unreachable' | null> {
  try {
    return await client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () =>
      client.workflow.getHandle(turnWorkflowId(turn.sessionId)).describe(),
    );
  } catch (error: unknown) {
    if (error instanceof WorkflowNotFoundError) return null;
    if (isGrpcServiceError(error)) return 'unreachable';
    throw error;
  }
}

/** Whether the latest run under the session's id is this turn's and still open. */
export function isOpen(description: WorkflowExecutionDescription, turn: Turn): boolean {
  const { turnId } = (description.memo ?? {}) as { turnId?: unknown };
  return description.status.name === 'RUNNING' && turnId === turn.id;
}
