/** The start of a turn: insert a row, start the workflow, make the row visible. See create-turn-control.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { CHAT_TURN_WORKFLOW, SEARCH_ATTRIBUTES } from '../../contracts/names.ts';
import { turnWorkflowId } from '../../contracts/turn-workflow-id.ts';
import type { ChatTurnInput } from '../../contracts/turn.ts';
import { inLane } from '../../db/connection/lanes.ts';
import { deleteStartingTurn, findTurn, promoteTurn, type Turn } from '../../db/turns/turn.ts';
import { HttpError } from '../http/http-error.ts';
import { sessionLane } from '../http/lane-names.ts';
import { toTemporalFault, toTemporalHttpError } from '../http/temporal-errors.ts';
import { fairnessKeyOf, TURN_PRIORITY } from './fairness.ts';
import { RPC_DEADLINE_MS, sendCancel } from './turn-workflow.ts';
import type { StartedTurn } from './turn-control.ts';
import type { TurnControlOptions } from './turn-control-options.ts';

/** How long a start waits until the workflow of a finished turn has closed. Closing takes one workflow task. */
const CLOSE_WAIT_MS = 8_000;
const CLOSE_POLL_MS = 15;
/**
 * After this time the workflow of an ended turn is asked to cancel. It may wait for a person or a step: a restored Temporal
 * does not know that the turn has ended.
 */
const CANCEL_AFTER_MS = 1_000;

const attributes = {
  session: defineSearchAttributeKey(SEARCH_ATTRIBUTES.session, SearchAttributeType.KEYWORD),
  workflow: defineSearchAttributeKey(SEARCH_ATTRIBUTES.workflow, SearchAttributeType.KEYWORD),
  model: defineSearchAttributeKey(SEARCH_ATTRIBUTES.model, SearchAttributeType.KEYWORD),
  status: defineSearchAttributeKey(SEARCH_ATTRIBUTES.status, SearchAttributeType.KEYWORD),
};

/**
 * Attaches to the turn that an idempotency key started. The turn is started again when its first start did not complete.
 * Null when the request that began the turn has removed it meanwhile, so that the key is free again.
 */
export async function attach(
  options: TurnControlOptions,
  turn: Turn,
  message: string,
): Promise<StartedTurn | null> {
  if (turn.message !== message) {
    throw new HttpError(409, 'This Idempotency-Key was used with another message in this session', {
      turn_id: turn.id,
    });
  }
  if (turn.status === 'starting') {
    await requireOwnNamespace(options);
    if (!(await launch(options, turn))) return null;
  }
  return { turnId: turn.id, attached: true };
}

/** Throws HttpError 503 unless the client's namespace is the one in which the database's turns run. */
export async function requireOwnNamespace({ identity }: TurnControlOptions): Promise<void> {
  const problem = await identity.ensure().catch((error: unknown) => {
    throw startFailure(error);
  });
  if (problem !== null) throw foreignNamespace(problem);
}

/** The response when the client is connected to the wrong namespace. */
export function foreignNamespace(problem: string): HttpError {
  return new HttpError(503, problem, {}, { 'Retry-After': '30' });
}

/**
 * Starts the workflow of a starting turn and makes the turn visible. When nothing was started, the turn's row is removed and
 * the error says so. When it is unknown whether the workflow was started, the error says so and names the turn. False when
 * the row is gone, because another request with the same key removed it or its session was deleted. The workflow then ends
 * by itself.
 */
export async function launch(options: TurnControlOptions, turn: Turn): Promise<boolean> {
  const { db, logger } = options;
  try {
    await startWorkflow(options, turn);
  } catch (error: unknown) {
    if (await takeBack(options, turn, error)) return true;
    throw startFailure(error);
  }
  try {
    const promoted = await inLane(db, sessionLane(turn.sessionId), () => promoteTurn(db, turn.id));
    return promoted || (await findTurn(db, turn.id)) !== null;
  } catch (error: unknown) {
    // The workflow runs, and its first activity also promotes the turn. The caller gets the stream, which waits for that.
    logger.warn({ err: error, turn: turn.id }, 'a started turn is left to its worker to be made visible');
    return true;
  }
}

/**
 * Removes the row of a failed start. Returns true when the turn runs all the same, because Temporal received the start and
 * its answer was lost. Throws HttpError 503 with the turn's id when it is unknown whether the turn runs.
 */
async function takeBack({ db, logger }: TurnControlOptions, turn: Turn, cause: unknown): Promise<boolean> {
  try {
    if (await deleteStartingTurn(db, turn.id)) return false;
    return !(cause instanceof HttpError) && (await findTurn(db, turn.id)) !== null;
  } catch (error: unknown) {
    logger.warn({ err: error, turn: turn.id }, 'a turn that could not start is left to the sweeper');
    // Temporal has certainly not started the workflow. The sweeper removes the row.
    if (cause instanceof HttpError || toTemporalFault(cause)?.undone === true) return false;
    throw new HttpError(
      503,
      'It is not known whether the turn was started: neither the workflow service nor the database has answered. ' +
        'Look at its events, or send the message again with the same Idempotency-Key.',
      { turn_id: turn.id },
      { 'Retry-After': '2' },
      { cause },
    );
  }
}

function startFailure(error: unknown): unknown {
  const fault = toTemporalFault(error);
  return fault ? toTemporalHttpError(fault, error, 'Nothing was started.') : error;
}

async function startWorkflow(options: TurnControlOptions, turn: Turn): Promise<void> {
  const { client, taskQueue } = options;
  const searchAttributes = await options.searchAttributes();
  const input: ChatTurnInput = {
    turnId: turn.id,
    sessionId: turn.sessionId,
    workflowId: turn.workflowId,
    model: turn.model,
    ...(options.fallbackModel === null ? {} : { fallbackModel: options.fallbackModel }),
    searchAttributes,
  };
  const startedAt = Date.now();
  let hasCancelled = false;
  for (;;) {
    try {
      await client.withDeadline(Date.now() + RPC_DEADLINE_MS, () =>
        client.workflow.start(CHAT_TURN_WORKFLOW, {
          workflowId: turnWorkflowId(turn.sessionId),
          taskQueue,
          args: [input],
          memo: { turnId: turn.id },
          // A task takes milliseconds. When its worker hangs, Temporal gives the task to another worker after this time.
          workflowTaskTimeout: '4s',
          staticSummary: `chat turn, ${turn.model}`,
          priority: { priorityKey: TURN_PRIORITY, fairnessKey: fairnessKeyOf(turn) },
          requestEagerStart: options.eagerStart,
          ...(searchAttributes
            ? {
                typedSearchAttributes: [
                  { key: attributes.session, value: turn.sessionId },
                  { key: attributes.workflow, value: turn.workflowId },
                  { key: attributes.model, value: turn.model },
                  { key: attributes.status, value: 'running' },
                ],
              }
            : {}),
        }),
      );
      return;
    } catch (error: unknown) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    const holder = await holderOf(options, turn.sessionId);
    if (holder === turn.id) return;
    if (holder !== null && (await isLive(options, holder))) {
      throw new HttpError(409, 'A turn is running in this session', { turn_id: holder });
    }
    if (holder !== null && !hasCancelled && Date.now() - startedAt > CANCEL_AFTER_MS) {
      hasCancelled = true;
      await sendCancel(options, { id: holder, sessionId: turn.sessionId });
    }
    if (Date.now() - startedAt > CLOSE_WAIT_MS)
      throw new HttpError(
        503,
        'The previous turn of this session is still closing. Please try again.',
        {},
        { 'Retry-After': '2' },
      );
    await delay(CLOSE_POLL_MS);
  }
}

/** The turn whose workflow is open under the session's workflow id; null when it has closed. */
async function holderOf({ client }: TurnControlOptions, sessionId: string): Promise<string | null> {
  try {
    const description = await client.withDeadline(Date.now() + RPC_DEADLINE_MS, () =>
      client.workflow.getHandle(turnWorkflowId(sessionId)).describe(),
    );
    const { turnId } = (description.memo ?? {}) as { turnId?: unknown };
    return description.status.name === 'RUNNING' && typeof turnId === 'string' ? turnId : null;
  } catch (error: unknown) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** A turn is live until its terminal event is written. The workflow of a turn without a row soon ends by itself. */
async function isLive({ db }: TurnControlOptions, turnId: string): Promise<boolean> {
  const turn = await findTurn(db, turnId);
  return turn !== null && (turn.status === 'running' || turn.status === 'starting');
}
