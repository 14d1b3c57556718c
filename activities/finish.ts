/** finishTurn: the one place where a turn ends. */
import type { FinishTurnInput } from '../contracts/turn.ts';
import type { TurnEnd } from '../db/turns.ts';
import { runAttempt } from './attempt.ts';
import type { ActivityDeps } from './deps.ts';

/** Creates the finishing activity. */
export function createFinishActivities(deps: ActivityDeps) {
  return {
    /** Ends the turn, or returns how it ended. A turn whose session was deleted has ended as cancelled. */
    async finishTurn(input: FinishTurnInput): Promise<TurnEnd> {
      return runAttempt(
        deps,
        () => null,
        async () => {
          try {
            const end = await deps.store.endTurn({
              ...input,
              diff: (base, working) => deps.heavy.diffGraphs({ base, working }),
            });
            deps.logger.info({ turn: input.turnId, steps: input.steps, ...end }, 'turn ended');
            return end;
          } catch (error: unknown) {
            if ((error as { code?: unknown }).code !== 'TURN_GONE') throw error;
            return { status: 'cancelled', stopReason: 'cancelled' };
          }
        },
      );
    },
  };
}
