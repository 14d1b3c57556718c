import { findTurn, type Turn } from '../../db/turns/turn.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { describe, isOpen } from './turn-workflow.ts';

/**
 * A session's turn as its callers may see it; null for none. A turn that is about to start is nobody's, for it may be taken
 * back. One whose workflow runs was started all the same: its row could not be made visible yet, and is told as running.
 */
export async function findVisibleTurn(
  { db, client }: Pick<TurnControlOptions, 'db' | 'client'>,
  { sessionId, turnId }: { sessionId: string; turnId: string },
): Promise<Turn | null> {
  const turn = await findTurn(db, turnId);
  if (!turn || turn.sessionId !== sessionId) return null;
  if (turn.status !== 'starting') return turn;
  const description = await describe(client, turn);
  const runs = description !== null && !('fault' in description) && isOpen(description, turn);
  return runs ? { ...turn, status: 'running' } : null;
}
