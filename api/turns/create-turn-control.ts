/**
 * Starts, stops and inspects turns.
 *
 * A start writes to Postgres and to Temporal, and the process may die between the two writes. First the row is inserted in
 * status `starting`. Nobody sees it, and it locks nothing: Temporal holds the lock (one open run per workflow id). Then the
 * workflow is started. Then the API or the worker, whichever comes first, promotes the row. A death leaves either a starting
 * row, which the sweeper removes, or a workflow. The workflow's first activity goes on if it finds its row, and ends if not.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { decideConfirmation, findOpenConfirmation } from '../../db/turns/confirmations.ts';
import { inLane } from '../../db/connection/lanes.ts';
import { answeredWithin } from '../../db/connection/pg-errors.ts';
import { requireBudget } from '../../db/limits/budgets.ts';
import { admitterOf, requireRoomToStart } from '../../db/limits/start-limits.ts';
import { findSession } from '../../db/sessions/sessions.ts';
import { findModelSetting } from '../../db/settings.ts';
import {
  findTurn,
  findTurnByIdempotencyKey,
  insertStartingTurn,
  listOpenTurns,
} from '../../db/turns/turn.ts';
import { sumUsage } from '../../db/turns/usage-rows.ts';
import { measureGraph } from '../../db/graphs/graph-size.ts';
import { findWorkflow, toGraph } from '../../db/graphs/graphs.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { toJsonText } from '../../domain/text/json-text.ts';
import { exceededLimit } from '../../domain/graph/limits.ts';
import { SILENCE } from '../../runtime/bounds.ts';
import { isPassingPoolError } from '../../runtime/thread-pool.ts';
import { HttpError } from '../http/http-error.ts';
import { sessionLane } from '../http/lane-names.ts';
import type { TemporalFault } from '../http/temporal-errors.ts';
import { describeSilence } from './describe-silence.ts';
import { attach, foreignNamespace, launch, requireOwnNamespace } from './start-turn.ts';
import { presentTurn } from './present.ts';
import { settleTurn } from './settle-turn.ts';
import { createSweeper } from './sweeper.ts';
import type { StartedTurn, StartRequest, TurnControl } from './turn-control.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { findVisibleTurn } from './visible-turn.ts';
import { describe, isOpen, queryProgress, sendCancel, wake } from './turn-workflow.ts';

const CLOSE_POLL_MS = 15;
/** How long a delete waits until its cancelled turn has ended. After that it removes the rows in any case. */
const DELETE_WAIT_MS = 2_000;
const REFUSAL_LOG_MS = 60_000;
/** How often a start is tried when another request removes the turn that it attached to. */
const START_TRIES = 3;

/** Creates the turn control. `close` ends its sweeper. */
export function createTurnControl(options: TurnControlOptions): TurnControl & { close(): void } {
  const { db, client, logger, identity } = options;
  const sweeper = createSweeper(options, { start: true });

  let refusalReportedAt = -Infinity;
  // Every silent turn is inspected every two seconds. One line a minute is logged for all of them.
  const reportRefusal = (fault: TemporalFault): void => {
    if (performance.now() - refusalReportedAt < REFUSAL_LOG_MS) return;
    refusalReportedAt = performance.now();
    logger.error({ status: fault.status }, fault.message);
  };

  /** Null when another request removed the turn meanwhile. Nothing was started then. */
  const startOnce = async ({
    session,
    message,
    graph,
    idempotencyKey,
    principal,
  }: StartRequest): Promise<StartedTurn | null> => {
    if (idempotencyKey !== null) {
      const earlier = await findTurnByIdempotencyKey(db, session.id, idempotencyKey);
      if (earlier) return attach(options, earlier, message);
    }
    const starter = { principal, sessionId: session.id };
    await requireBudget(db, options.budgets, starter);
    await requireRoomToStart(db, options.limits, starter);
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
    await requireOwnNamespace(options);
    const row = {
      id: randomUUID(),
      sessionId: session.id,
      workflowId: session.workflowId,
      userMessageId: randomUUID(),
      messageId: randomUUID(),
      idempotencyKey,
      message,
      model,
      promptVersion: options.promptVersion,
      principal,
      graph: toJsonText(base),
    };
    const inserted = await inLane(db, sessionLane(session.id), () =>
      insertStartingTurn(db, row, admitterOf(options.limits, starter)),
    );
    if (!inserted) {
      if (idempotencyKey !== null && (await findSession(db, session.id, { ownerSub: null }))) return null;
      throw new HttpError(404, 'No copilot session exists with the given ID');
    }
    if (!inserted.created) return attach(options, inserted.turn, message);
    return (await launch(options, inserted.turn)) ? { turnId: inserted.turn.id, attached: false } : null;
  };

  return {
    async start(request) {
      for (let tries = 0; tries < START_TRIES; tries += 1) {
        const started = await startOnce(request);
        if (started) return started;
      }
      throw new HttpError(
        503,
        'Other requests with the same Idempotency-Key failed meanwhile. Nothing was started. Please try again.',
        {},
        { 'Retry-After': '2' },
      );
    },

    async cancel({ sessionId, turnId }) {
      const turn = await findVisibleTurn(options, { sessionId, turnId });
      if (!turn) throw new HttpError(404, 'No turn exists with the given ID');
      if (turn.status === 'cancelled') return;
      if (turn.status !== 'running') throw new HttpError(409, 'The turn has already ended');
      if (!(await sendCancel(options, turn))) {
        const now = await settleTurn(options, turn);
        if (now === 'gone') throw new HttpError(404, 'No turn exists with the given ID');
        if (now !== 'cancelled' && now !== 'running') throw new HttpError(409, 'The turn has already ended');
        const problem = identity.lastProblem();
        if (now === 'running' && problem !== null) throw foreignNamespace(problem);
      }
    },

    async confirm({ sessionId, turnId, callId, decision, reason, by }) {
      const turn = await findVisibleTurn(options, { sessionId, turnId });
      if (!turn) throw new HttpError(404, 'No turn exists with the given ID');
      const stands = await inLane(db, sessionLane(sessionId), () =>
        decideConfirmation(db, { turnId, callId, decision, reason, by }),
      );
      if (stands === null) throw new HttpError(404, 'No confirmation was asked for a call with the given ID');
      if (stands === 'turn_over') throw new HttpError(409, 'The turn is over; nothing was changed');
      if (stands !== decision && stands !== 'expired')
        throw new HttpError(409, `The confirmation was ${stands} already`);
      // The row decides. A lost signal is sent again by a repeated request or by the sweeper.
      if (turn.status === 'running') await wake(options, turn, callId);
      if (stands === 'expired') throw new HttpError(409, 'The confirmation has expired; nothing was changed');
    },

    async cancelForDelete(sessionId) {
      for (const turn of await listOpenTurns(db, { sessionId })) {
        if (turn.status === 'starting') continue;
        // A delete must work without Temporal too. A turn without its row ends by itself.
        const sent = await sendCancel(options, turn).catch((error: unknown) => {
          logger.warn({ err: error, turn: turn.id }, 'a turn of a deleted session could not be cancelled');
          return false;
        });
        const until = Date.now() + DELETE_WAIT_MS;
        while (sent && Date.now() < until && (await findTurn(db, turn.id))?.status === 'running')
          await delay(CLOSE_POLL_MS);
      }
    },

    async get({ sessionId, turnId }) {
      const turn = await findVisibleTurn(options, { sessionId, turnId });
      if (!turn) return null;
      const [usage, progress, question] = await Promise.all([
        sumUsage(db, turnId),
        turn.status === 'running' ? queryProgress(client, turn) : null,
        turn.status === 'running' ? findOpenConfirmation(db, turnId) : null,
      ]);
      return presentTurn({ turn, usage, progress, question, temporalUrl: options.linkToTurn(turn) });
    },

    async exists(input) {
      return (await findVisibleTurn(options, input)) !== null;
    },

    async inspectSilence(turnId) {
      const turn = await answeredWithin(SILENCE.databaseMs, findTurn(db, turnId));
      if (!turn || (turn.status !== 'running' && turn.status !== 'starting')) return null;
      // In parallel: one call after the other would take longer than a reader may wait for the status.
      const [description, progress] = await Promise.all([
        describe(client, turn),
        queryProgress(client, turn),
      ]);
      if (description !== null && 'fault' in description) {
        if (description.fault.kind !== 'refused')
          return {
            message: `${description.fault.message.slice(0, -1)}; the turn goes on when it is back...`,
          };
        reportRefusal(description.fault);
        return { message: description.fault.message };
      }
      if (description === null || !isOpen(description, turn)) {
        try {
          await settleTurn(options, turn);
        } catch (error: unknown) {
          if (!isPassingPoolError(error)) throw error;
          return { message: 'The turn is over; its changes are still to be computed...' };
        }
        const problem = identity.lastProblem();
        return problem === null ? null : { message: problem };
      }
      return describeSilence(description, progress, Date.now());
    },

    close: () => sweeper.close(),
  };
}

async function persistedGraph(db: Knex, workflowId: string): Promise<Graph> {
  const exceeded = exceededLimit(await measureGraph(db, workflowId));
  if (exceeded !== null)
    throw new HttpError(
      400,
      `The saved workflow ${exceeded}. The copilot can work on it once it is smaller.`,
    );
  const workflow = await findWorkflow(db, workflowId);
  if (!workflow) throw new HttpError(404, 'No workflow exists with the given ID');
  return toGraph(workflow);
}
