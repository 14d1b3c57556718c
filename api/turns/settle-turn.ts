/** The end of a turn whose workflow can't end it any more. */
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

/** A starting turn that is younger may be between the two writes of an API. */
export const SWEEP_OLDER_THAN_MS = 30_000;

/**
 * Ends a turn whose workflow is not there any more without having ended it: it was closed from outside, or its
 * history was lost. While Temporal does not say, or is not the one that the turns run in, nothing is ended. A starting
 * turn whose workflow runs is made visible. Returns the turn's status, `gone` without a row. Throws the thread pool's
 * errors that pass by themselves: the turn then stays as it is, for the sweeper's next pass.
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
    if (turn.status === 'starting') await inLane(db, lane, () => promoteTurn(db, turn.id));
    return 'running';
  }
  if (!(await isOwnNamespace(options))) return turn.status;
  const fresh = await findTurn(db, turn.id);
  if (!fresh) return 'gone';
  // An API may be between its two writes right now; only an old starting row was left behind by a dead one.
  if (fresh.status === 'starting') {
    if (Date.now() - fresh.createdAt.getTime() > SWEEP_OLDER_THAN_MS) await deleteStartingTurn(db, turn.id);
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
    return ended.status;
  } catch (error: unknown) {
    if (error instanceof TurnGoneError) return 'gone';
    throw error;
  }
}

/** Asked right before anything is ended: an API may be connected to another namespace than it was a moment ago. */
async function isOwnNamespace({ identity }: TurnControlOptions): Promise<boolean> {
  try {
    return (await identity.verify()) === null;
  } catch (error: unknown) {
    if (toTemporalFault(error)) return false;
    throw error;
  }
}

/**
 * A diff that can't be had is no reason to leave a turn open for ever: it ends as failed in any case. A pool that only
 * has no time for it now is a reason to wait.
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
