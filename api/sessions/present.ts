import { parseJsonObject } from '../../domain/json.ts';
import type { Message } from '../../db/messages.ts';
import type { Session } from '../../db/sessions.ts';

/** The answer of POST. */
export function presentNewSession(session: Session) {
  return { id: session.id, workflow_id: session.workflowId, created_at: session.createdAt.toISOString() };
}

/** The answer of GET. */
export function presentSession(session: Session) {
  return {
    ...presentNewSession(session),
    updated_at: session.updatedAt.toISOString(),
    active_turn_id: session.activeTurnId,
  };
}

/** A message of the list. */
export function presentMessage(message: Message) {
  return {
    id: message.id,
    session_id: message.sessionId,
    role: message.role,
    content: message.content,
    workflow_diff: message.workflowDiff,
    pre_snapshot: message.preSnapshot,
    created_at: message.createdAt.toISOString(),
    turn_id: message.turnId,
    status: message.status,
    model: message.model,
    tool_calls: message.toolCalls.map((call) => ({
      call_id: call.callId,
      name: call.name,
      arguments: parseJsonObject(call.arguments) ?? call.arguments,
      result: call.result,
      is_error: call.isError,
      step: call.step,
    })),
    usage: message.usage,
  };
}
