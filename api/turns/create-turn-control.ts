/**
 * Starting, stopping and asking about turns.
 *
 * A start writes two places, and may die between them. The row comes first, in status `starting`: nobody sees it and
 * it locks nothing, for the lock is Temporal's (one open run per workflow id). Then the workflow is started, then the
 * row is promoted, by whoever comes first, the API or the worker. What a death leaves behind is a starting row that
 * the sweeper removes, or a workflow whose first activity finds its row and goes on, or no row and ends.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { decideConfirmation, findOpenConfirmation } from '../../db/turns/confirmations.ts';
import { answeredWithin } from '../../db/connection/pg-errors.ts';
import { findSession } from '../../db/sessions/sessions.ts';
import { findModelSetting } from '../../db/settings.ts';
import {
  findTurn,
  findTurnByIdempotencyKey,
  insertStartingTurn,
  listOpenTurns,
  sumUsage,
} from '../../db/turns/turns.ts';
import { measureGraph } from '../../db/graphs/graph-size.ts';
import { findWorkflow, toGraph } from '../../db/graphs/graphs.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { toJsonText } from '../../domain/text/json-text.ts';
import { exceededLimit } from '../../domain/graph/limits.ts';
import { SILENCE } from '../../runtime/bounds.ts';
import { isPassingPoolError } from '../../runtime/thread-pool.ts';
import { HttpError } from '../http/http-error.ts';
import type { TemporalFault } from '../http/temporal-errors.ts';
import { describeSilence } from './describe-silence.ts';
import { attach, foreignNamespace, launch, requireOwnNamespace } from './start-turn.ts';
import { presentTurn } from './present.ts';
import { settleTurn } from './settle-turn.ts';
import { createSweeper } from './sweeper.ts';
import type { StartedTurn, StartRequest, TurnControl } from './turn-control.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { describe, isOpen, queryProgress, sendCancel, wake } from './turn-workflow.ts';

const CLOSE_POLL_MS = 15;
/** How long a delete waits for its cancelled turn to end in order before the rows go anyway. */
const DELETE_WAIT_MS = 2_000;
const REFUSAL_LOG_MS = 60_000;
/** How often a start begins anew because the turn that it attached to was taken back by the request that began it. */
const START_TRIES = 3;

/** Creates the turn control. `close` ends its sweeper. */
export function createTurnControl(options: TurnControlOptions): TurnControl & { close(): void } {
  const { db, client, logger, identity } = options;
  const sweeper = createSweeper(options, { start: true });

  let refusalReportedAt = -Infinity;
  // Every silent turn is asked about every two seconds: one line a minute says it for all.
  const reportRefusal = (fault: TemporalFault): void => {
    if (performance.now() - refusalReportedAt < REFUSAL_LOG_MS) return;
    refusalReportedAt = performance.now();
    logger.error({ status: fault.status }, fault.message);
  };

  /** Null when the turn was taken back under the hands of this request: nothing was started. */
  const startOnce = async ({
    session,
    message,
    graph,
    idempotencyKey,
  }: StartRequest): Promise<StartedTurn | null> => {
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
    await requireOwnNamespace(options);
    const inserted = await insertStartingTurn(db, {
      id: randomUUID(),
      sessionId: session.id,
      workflowId: session.workflowId,
      userMessageId: randomUUID(),
      messageId: randomUUID(),
      idempotencyKey,
      message,
      model,
      graph: toJsonText(base),
    });
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
      const turn = await findTurn(db, turnId);
      if (!turn || turn.sessionId !== sessionId || turn.status === 'starting')
        throw new HttpError(404, 'No turn exists with the given ID');
      if (turn.status === 'cancelled') return;
      if (turn.status !== 'running') throw new HttpError(409, 'The turn has already ended');
      if (!(await sendCancel(options, turn))) {
        const now = await settleTurn(options, turn);
        if (now !== 'cancelled' && now !== 'running') throw new HttpError(409, 'The turn has already ended');
        const problem = identity.lastProblem();
        if (now === 'running' && problem !== null) throw foreignNamespace(problem);
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
          await delay(CLOSE_POLL_MS);
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
