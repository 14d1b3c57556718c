/**
 * Starting, stopping and asking about turns.
 *
 * A start writes two places, and may die between them. The row comes first, in status `starting`: nobody sees it and
 * it locks nothing, for the lock is Temporal's (one open run per workflow id). Then the workflow is started, then the
 * row is promoted, by whoever comes first, the API or the worker. What a death leaves behind is a starting row that
 * the sweeper removes, or a workflow whose first activity finds its row and goes on, or no row and ends.
 */
import { randomUUID } from 'node:crypto';
import {
  type Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Knex } from 'knex';
import type { Catalogue } from '../../contracts/models.ts';
import {
  CHAT_TURN_WORKFLOW,
  SEARCH_ATTRIBUTES,
  type ToolName,
  turnWorkflowId,
} from '../../contracts/names.ts';
import type { ChatTurnInput, TurnProgress } from '../../contracts/turn.ts';
import {
  type Confirmation,
  decideConfirmation,
  findOpenConfirmation,
  listUnheardDecisions,
} from '../../db/confirmations.ts';
import { answeredWithin } from '../../db/pg-errors.ts';
import { findModelSetting } from '../../db/settings.ts';
import {
  deleteStartingTurn,
  endTurn,
  findTurn,
  findTurnByIdempotencyKey,
  insertStartingTurn,
  listOpenTurns,
  promoteTurn,
  sumUsage,
  type Turn,
} from '../../db/turns.ts';
import { findWorkflow, toGraph } from '../../db/workflows.ts';
import { diffGraph } from '../../domain/diff-graph.ts';
import type { Graph, WorkflowDiff } from '../../domain/graph.ts';
import { SILENCE, TEMPORAL } from '../../runtime/bounds.ts';
import type { Logger } from '../../runtime/logger.ts';
import { cancelSignal, confirmSignal, progressQuery } from '../../workflows/messages.ts';
import { HttpError } from '../http-error.ts';
import { describeSilence } from './describe-silence.ts';
import type { ConfirmationView, TurnControl, TurnView } from './turn-control.ts';

const RPC_DEADLINE_MS = TEMPORAL.rpcMs;
const QUERY_DEADLINE_MS = TEMPORAL.queryMs;
/** How long a start waits for a finished turn's workflow to close. It takes one workflow task. */
const CLOSE_WAIT_MS = 8_000;
const CLOSE_POLL_MS = 15;
/** How long a delete waits for its cancelled turn to end in order before the rows go anyway. */
const DELETE_WAIT_MS = 2_000;
const SWEEP_EVERY_MS = 20_000;
const SWEEP_OLDER_THAN_MS = 30_000;
const SWEEP_LIMIT = 50;
/** A decision is acted upon within milliseconds unless its signal was lost or no worker is there. */
const UNHEARD_AFTER_MS = 5_000;

const attributes = {
  session: defineSearchAttributeKey(SEARCH_ATTRIBUTES.session, SearchAttributeType.KEYWORD),
  workflow: defineSearchAttributeKey(SEARCH_ATTRIBUTES.workflow, SearchAttributeType.KEYWORD),
  model: defineSearchAttributeKey(SEARCH_ATTRIBUTES.model, SearchAttributeType.KEYWORD),
  status: defineSearchAttributeKey(SEARCH_ATTRIBUTES.status, SearchAttributeType.KEYWORD),
};

export interface TurnControlOptions {
  db: Knex;
  client: Client;
  taskQueue: string;
  catalogue: Catalogue;
  /** Goes on with a turn whose model fails; null: nobody does. */
  fallbackModel: string | null;
  /** True when the client shares its native connection with a worker of this process. */
  eagerStart: boolean;
  /** Whether the server knows our search attributes. */
  searchAttributes: () => Promise<boolean>;
  logger: Logger;
}

/** Creates the turn control. `close` ends its sweeper. */
export function createTurnControl(options: TurnControlOptions): TurnControl & { close(): void } {
  const { db, client, logger } = options;
  // A start goes on when its client is gone: whoever asks again with the same key must find one turn.
  const sweep = setInterval(() => {
    sweepTurns(options).catch((error: unknown) =>
      logger.warn({ err: error }, 'open turns could not be checked'),
    );
  }, SWEEP_EVERY_MS);
  sweep.unref();

  return {
    async start({ session, message, graph, idempotencyKey }) {
      if (idempotencyKey !== null) {
        const earlier = await findTurnByIdempotencyKey(db, session.id, idempotencyKey);
        if (earlier) return attach(options, earlier, message);
      }
      const [chosen, base] = await Promise.all([
        findModelSetting(db),
        graph ?? persistedGraph(db, session.workflowId),
      ]);
      const model = options.catalogue.effective(chosen);
      if (!options.catalogue.isAvailable(model)) {
        throw new HttpError(
          503,
          `No key is configured for the model ${model}: set it on the service, or choose another model in the settings.`,
        );
      }
      const inserted = await insertStartingTurn(db, {
        id: randomUUID(),
        sessionId: session.id,
        workflowId: session.workflowId,
        userMessageId: randomUUID(),
        messageId: randomUUID(),
        idempotencyKey,
        message,
        model,
        graph: JSON.stringify(base),
      });
      if (!inserted) throw new HttpError(404, 'No copilot session exists with the given ID');
      if (!inserted.created) return attach(options, inserted.turn, message);
      await launch(options, inserted.turn);
      return { turnId: inserted.turn.id, attached: false };
    },

    async cancel({ sessionId, turnId }) {
      const turn = await findTurn(db, turnId);
      if (!turn || turn.sessionId !== sessionId || turn.status === 'starting')
        throw new HttpError(404, 'No turn exists with the given ID');
      if (turn.status === 'cancelled') return;
      if (turn.status !== 'running') throw new HttpError(409, 'The turn has already ended');
      if (!(await sendCancel(options, turn))) {
        const now = await settleTurn(options, turn);
        if (now !== 'cancelled' && now !== 'running') throw new HttpError(409, 'The turn has already ended');
      }
    },

    async confirm({ sessionId, turnId, callId, decision, reason, decidedBy }) {
      const turn = await findTurn(db, turnId);
      if (!turn || turn.sessionId !== sessionId || turn.status === 'starting')
        throw new HttpError(404, 'No turn exists with the given ID');
      const stands = await decideConfirmation(db, { turnId, callId, decision, reason, decidedBy });
      if (stands === null) throw new HttpError(404, 'No confirmation was asked for a call with the given ID');
      if (stands === 'turn_over') throw new HttpError(409, 'The turn is over; nothing was changed');
      if (stands === 'expired') throw new HttpError(409, 'The confirmation has expired; nothing was changed');
      if (stands !== decision) throw new HttpError(409, `The confirmation was ${stands} already`);
      // The row is the decision. A signal that gets lost is sent again, by a repeat of the request or by the sweeper.
      if (turn.status === 'running') await wake(options, turn, callId);
    },

    async cancelForDelete(sessionId) {
      for (const turn of await listOpenTurns(db, { sessionId })) {
        if (turn.status === 'starting') continue;
        // Deleting must work without Temporal too: a turn without its row ends by itself.
        const sent = await sendCancel(options, turn).catch((error: unknown) => {
          logger.warn({ err: error, turn: turn.id }, 'a turn of a deleted session could not be cancelled');
          return false;
        });
        const until = Date.now() + DELETE_WAIT_MS;
        while (sent && Date.now() < until && (await findTurn(db, turn.id))?.status === 'running')
          await wait(CLOSE_POLL_MS);
      }
    },

    async get({ sessionId, turnId }) {
      const turn = await findTurn(db, turnId);
      if (!turn || turn.sessionId !== sessionId || turn.status === 'starting') return null;
      const [usage, progress, question] = await Promise.all([
        sumUsage(db, turnId),
        turn.status === 'running' ? queryProgress(client, turn) : null,
        turn.status === 'running' ? findOpenConfirmation(db, turnId) : null,
      ]);
      return presentTurn(turn, usage, progress, question);
    },

    async inspectSilence(turnId) {
      const turn = await answeredWithin(SILENCE.databaseMs, findTurn(db, turnId));
      if (!turn || (turn.status !== 'running' && turn.status !== 'starting')) return null;
      // Side by side: a reader must be told before the two would have ended one after the other.
      const [description, progress] = await Promise.all([
        describe(client, turn),
        queryProgress(client, turn),
      ]);
      if (description === 'unreachable')
        return { message: 'The workflow service is not reachable; the turn goes on when it is back...' };
      if (description === null || !isOpen(description, turn)) {
        await settleTurn(options, turn);
        return null;
      }
      return describeSilence(description, progress, Date.now());
    },

    close: () => clearInterval(sweep),
  };
}

/** The turn that an idempotency key started: started again when its first start was lost on the way. */
async function attach(
  options: TurnControlOptions,
  turn: Turn,
  message: string,
): Promise<{ turnId: string; attached: boolean }> {
  if (turn.message !== message) {
    throw new HttpError(409, 'This Idempotency-Key was used with another message in this session', {
      turn_id: turn.id,
    });
  }
  if (turn.status === 'starting') await launch(options, turn);
  return { turnId: turn.id, attached: true };
}

/** Starts the workflow of a starting turn and makes the turn visible. On any failure nothing of it is left. */
async function launch(options: TurnControlOptions, turn: Turn): Promise<void> {
  const { db } = options;
  try {
    await startWorkflow(options, turn);
  } catch (error: unknown) {
    // The start may have arrived although its answer did not: then the worker has promoted the turn, or finds no row.
    const removed = await deleteStartingTurn(db, turn.id).catch(() => true);
    if (!removed && (await findTurn(db, turn.id))?.status !== undefined && !(error instanceof HttpError))
      return;
    if (error instanceof HttpError) throw error;
    throw new HttpError(
      503,
      'The workflow service is not reachable; nothing was started. Please try again.',
      {},
      { 'Retry-After': '2' },
      { cause: error },
    );
  }
  await promoteTurn(db, turn.id);
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
  const until = Date.now() + CLOSE_WAIT_MS;
  for (;;) {
    try {
      await client.withDeadline(Date.now() + RPC_DEADLINE_MS, () =>
        client.workflow.start(CHAT_TURN_WORKFLOW, {
          workflowId: turnWorkflowId(turn.sessionId),
          taskQueue,
          args: [input],
          memo: { turnId: turn.id },
          // A task takes milliseconds; one that a standing worker took is given to another after this long.
          workflowTaskTimeout: '4s',
          staticSummary: `chat turn, ${turn.model}`,
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
    if (Date.now() > until)
      throw new HttpError(
        503,
        'The previous turn of this session is still closing. Please try again.',
        {},
        { 'Retry-After': '2' },
      );
    await wait(CLOSE_POLL_MS);
  }
}

/** The turn that holds the session's workflow id, or null when the workflow has closed by now. */
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

/** A turn is live until it has written its terminal event. One without a row is about to find that out and end. */
async function isLive({ db }: TurnControlOptions, turnId: string): Promise<boolean> {
  const turn = await findTurn(db, turnId);
  return turn !== null && (turn.status === 'running' || turn.status === 'starting');
}

async function persistedGraph(db: Knex, workflowId: string): Promise<Graph> {
  const workflow = await findWorkflow(db, workflowId);
  if (!workflow) throw new HttpError(404, 'No workflow exists with the given ID');
  return toGraph(workflow);
}

/** False when no workflow of this turn is open. */
async function sendCancel({ client }: TurnControlOptions, turn: Turn): Promise<boolean> {
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
async function wake(
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

async function queryProgress(client: Client, turn: Turn): Promise<TurnProgress | null> {
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

async function describe(
  client: Client,
  turn: Turn,
): Promise<WorkflowExecutionDescription | 'unreachable' | null> {
  try {
    return await client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () =>
      client.workflow.getHandle(turnWorkflowId(turn.sessionId)).describe(),
    );
  } catch (error: unknown) {
    if (error instanceof WorkflowNotFoundError) return null;
    // The client wraps what gRPC says into an error of its own.
    if (isGrpcServiceError(error) || isGrpcServiceError((error as Error).cause)) return 'unreachable';
    throw error;
  }
}

/** Whether the latest run under the session's id is this turn's and still open. */
function isOpen(description: WorkflowExecutionDescription, turn: Turn): boolean {
  const { turnId } = (description.memo ?? {}) as { turnId?: unknown };
  return description.status.name === 'RUNNING' && turnId === turn.id;
}

/**
 * Ends a turn whose workflow is not there any more without having ended it: an operator terminated it, or its history
 * was lost. Returns the turn's status.
 */
async function settleTurn(options: TurnControlOptions, turn: Turn): Promise<string> {
  const { db, client, logger } = options;
  const description = await describe(client, turn);
  if (description === 'unreachable' || (description !== null && isOpen(description, turn)))
    return turn.status;
  const fresh = await findTurn(db, turn.id);
  if (!fresh) return 'gone';
  // An API may be between its two writes right now; only an old starting row was left behind by a dead one.
  if (fresh.status === 'starting') {
    if (Date.now() - fresh.createdAt.getTime() > SWEEP_OLDER_THAN_MS) await deleteStartingTurn(db, turn.id);
    return 'starting';
  }
  if (fresh.status !== 'running') return fresh.status;
  logger.warn(
    { turn: turn.id, session: turn.sessionId },
    'a turn was stopped from outside; it is ended as failed',
  );
  const ended = await endTurn(db, {
    turnId: turn.id,
    steps: null,
    outcome: {
      kind: 'error',
      code: 'internal',
      message: 'The turn was stopped by an operator. What it did so far is kept.',
    },
    diff: diffTexts,
  });
  return ended.status;
}

function diffTexts(base: string, working: string): WorkflowDiff | null {
  return base === working ? null : diffGraph(JSON.parse(base) as Graph, JSON.parse(working) as Graph);
}

/** Looks after turns that nobody watches: rows of starts that never happened, turns that were stopped from outside. */
async function sweepTurns(options: TurnControlOptions): Promise<void> {
  for (const turn of await listOpenTurns(options.db, {
    olderThanMs: SWEEP_OLDER_THAN_MS,
    limit: SWEEP_LIMIT,
  })) {
    await settleTurn(options, turn);
  }
  const unheard = await listUnheardDecisions(options.db, {
    olderThanMs: UNHEARD_AFTER_MS,
    limit: SWEEP_LIMIT,
  });
  for (const { turnId, sessionId, callId } of unheard) await wake(options, { id: turnId, sessionId }, callId);
}

function presentTurn(
  turn: Turn,
  usage: TurnView['usage'],
  progress: TurnProgress | null,
  question: Confirmation | null,
): TurnView {
  return {
    id: turn.id,
    status: turn.status,
    step: progress?.step ?? turn.steps,
    model: turn.model,
    started_at: turn.startedAt?.toISOString() ?? null,
    finished_at: turn.finishedAt?.toISOString() ?? null,
    pending_confirmation: question && presentQuestion(question),
    workflow_diff: turn.workflowDiff,
    usage,
    stop_reason: turn.stopReason,
  };
}

function presentQuestion(question: Confirmation): ConfirmationView {
  return {
    call_id: question.callId,
    name: 'manage_project_asset' satisfies ToolName,
    arguments: question.arguments,
    summary: question.summary,
    before: question.before,
    after: question.after,
    expires_at: question.expiresAt.toISOString(),
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
