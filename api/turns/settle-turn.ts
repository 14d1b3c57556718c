/** Ends a turn when its workflow can't. */
import { deleteStartingTurn, findTurn, promoteTurn, type Turn } from '../../db/turns/turn.ts';
import { endTurn } from '../../db/turns/end-turn.ts';
import { TurnGoneError } from '../../db/fence.ts';
import { inLane } from '../../db/connection/lanes.ts';
import { sessionLane } from '../http/lane-names.ts';
import { toTemporalFault } from '../http/temporal-errors.ts';
import { isPassingPoolError } from '../../runtime/thread-pool.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { describeClosing } from './describe-closing.ts';
import { describe, isOpen, isOwn } from './turn-workflow.ts';

/** A younger starting turn may be between the two writes of an API. */
export const SWEEP_OLDER_THAN_MS = 30_000;

/**
 * Ends a turn whose workflow has closed without ending it: the workflow was closed from outside, or its history was lost.
 * Nothing is ended while Temporal does not answer, or when the client is connected to another namespace than the turns. A
 * starting turn whose workflow runs is made visible. Returns the turn's status, or `gone` without a row. Throws the errors
 * of a busy thread pool: the turn then stays as it is until the sweeper's next pass.
 */
export async function settleTurn(
  options: TurnControlOptions,
  turn: Pick<Turn, 'id' | 'sessionId' | 'status'>,
): Promise<string> {
  const { db, client, logger } = options;
  const lane = sessionLane(turn.sessionId);
  const description = await describe(client, turn);
  if (description !== null && 'fault' in description) return turn.status;
  if (description !== null && isOpen(description, turn)) {
    if (turn.status === 'starting') {
      await inLane(db, lane, () => promoteTurn(db, turn.id));
      options.onFinding?.('start_promoted');
    }
    return 'running';
  }
  if (!(await isOwnNamespace(options))) return turn.status;
  const fresh = await findTurn(db, turn.id);
  if (!fresh) return 'gone';
  // A young starting row may belong to an API that is between its two writes. An old one was left by a failed start.
  if (fresh.status === 'starting') {
    if (Date.now() - fresh.createdAt.getTime() > SWEEP_OLDER_THAN_MS) {
      await deleteStartingTurn(db, turn.id);
      options.onFinding?.('start_deleted');
    }
    return 'starting';
  }
  if (fresh.status !== 'running') return fresh.status;
  const closing = describeClosing(
    description === null ? 'LOST' : isOwn(description, turn) ? description.status.name : 'REPLACED',
  );
  logger[closing.level]({ turn: turn.id, session: turn.sessionId }, closing.log);
  try {
    const ended = await inLane(db, lane, () =>
      endTurn(db, {
        turnId: turn.id,
        steps: null,
        outcome: closing.outcome,
        diff: (base, working) => diffOrNone(options, turn.id, base, working),
      }),
    );
    options.onFinding?.('turn_ended');
    return ended.status;
  } catch (error: unknown) {
    if (error instanceof TurnGoneError) return 'gone';
    throw error;
  }
}

/** Checked right before a turn is ended, because the API's connection may have moved to another namespace. */
async function isOwnNamespace({ identity }: TurnControlOptions): Promise<boolean> {
  try {
    return (await identity.verify()) === null;
  } catch (error: unknown) {
    if (toTemporalFault(error)) return false;
    throw error;
  }
}

/**
 * The turn's diff; null when it can't be computed, because a turn must not stay open for ever. It ends as failed in any
 * case. The errors of a busy pool are thrown, so that a later pass tries again.
 */
async function diffOrNone(
  { diffGraphs, logger }: TurnControlOptions,
  turnId: string,
  base: string,
  working: string,
): Promise<string | null> {
  try {
    return await diffGraphs({ base, working });
  } catch (error: unknown) {
    if (isPassingPoolError(error)) throw error;
    logger.error({ err: error, turn: turnId }, 'the changes of a lost turn could not be computed');
    return null;
  }
}
