import { findTurn, type Turn } from '../../db/turns/turn.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { describe, isOpen } from './turn-workflow.ts';

/**
 * A session's turn as callers may see it; null for none. A starting turn is hidden, because its start may still be taken
 * back. When its workflow already runs, the turn was started and only its row is not visible yet: it is shown as running.
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
