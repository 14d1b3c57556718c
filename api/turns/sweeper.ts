/** Looks after turns that nobody watches. */
import { listUnheardDecisions } from '../../db/confirmations.ts';
import { listOpenTurns } from '../../db/turns.ts';
import { SWEEP_OLDER_THAN_MS, settleTurn } from './settle-turn.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { wake } from './turn-workflow.ts';

const SWEEP_LIMIT = 50;
/** A decision is acted upon within milliseconds unless its signal was lost or no worker is there. */
const UNHEARD_AFTER_MS = 5_000;

/** Looks after turns that nobody watches: rows of starts that never happened, turns that were stopped from outside. */
export async function sweepTurns(options: TurnControlOptions): Promise<void> {
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
