/** Links from a turn to the Temporal UI. */
import { turnWorkflowId } from '../../contracts/turn-workflow-id.ts';
import type { Turn } from '../../db/turns/turn.ts';

/** The clocks of Postgres, which dates turns, and of Temporal may differ by this much. */
const CLOCK_SLACK_MS = 1_000;

/**
 * Returns a function that gives the address of a turn's runs: all turns of a session have one workflow id, so the list is
 * narrowed to the time of the turn. Null without an address of the UI.
 */
export function createTurnLink(of: {
  uiUrl: string | null;
  namespace: string;
}): (turn: Pick<Turn, 'sessionId' | 'createdAt' | 'finishedAt'>) => string | null {
  const { uiUrl, namespace } = of;
  if (uiUrl === null) return () => null;
  const list = `${uiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return ({ sessionId, createdAt, finishedAt }) => {
    const conditions = [
      `WorkflowId = "${turnWorkflowId(sessionId)}"`,
      `StartTime >= "${new Date(createdAt.getTime() - CLOCK_SLACK_MS).toISOString()}"`,
      ...(finishedAt === null ? [] : [`StartTime <= "${finishedAt.toISOString()}"`]),
    ];
    return `${list}?query=${encodeURIComponent(conditions.join(' AND '))}`;
  };
}
