/** The end of a turn whose workflow can't end it any more. */
import { deleteStartingTurn, endTurn, findTurn, type Turn } from '../../db/turns.ts';
import { diffGraph } from '../../domain/diff-graph.ts';
import type { Graph, WorkflowDiff } from '../../domain/graph.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { describeClosing } from './describe-closing.ts';
import { describe, isOpen, isOwn } from './turn-workflow.ts';

/** A starting turn that is younger may be between the two writes of an API. */
export const SWEEP_OLDER_THAN_MS = 30_000;

/**
 * Ends a turn whose workflow is not there any more without having ended it: it was closed from outside, or its
 * history was lost. While Temporal does not say, nothing is ended. Returns the turn's status.
 */
export async function settleTurn(options: TurnControlOptions, turn: Turn): Promise<string> {
  const { db, client, logger } = options;
  const description = await describe(client, turn);
  if (description !== null && ('fault' in description || isOpen(description, turn))) return turn.status;
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
  const ended = await endTurn(db, {
    turnId: turn.id,
    steps: null,
    outcome: closing.outcome,
    diff: diffTexts,
  });
  return ended.status;
}

function diffTexts(base: string, working: string): WorkflowDiff | null {
  return base === working ? null : diffGraph(JSON.parse(base) as Graph, JSON.parse(working) as Graph);
}
