import type { NewSession, SessionBody, SessionSummaryBody } from '../../contracts/http/sessions.ts';
import type { ListedSession } from '../../db/sessions/list-sessions.ts';
import type { Session } from '../../db/sessions/sessions.ts';

/** The answer of POST. */
export function presentNewSession(session: Session): NewSession {
  return { id: session.id, workflow_id: session.workflowId, created_at: session.createdAt.toISOString() };
}

/** The answer of GET. */
export function presentSession(session: Session): SessionBody {
  return {
    ...presentNewSession(session),
    updated_at: session.updatedAt.toISOString(),
    active_turn_id: session.activeTurnId,
  };
}

/** An entry of the list. */
export function presentSessionSummary(session: ListedSession): SessionSummaryBody {
  return { ...presentSession(session), title: session.title, messages: session.messages };
}
