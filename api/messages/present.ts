import { isDeeperThan, parseJsonObject } from '../../domain/text/json.ts';
import type { ToolCallRecord } from '../../db/sessions/message-calls.ts';
import type { Message } from '../../db/sessions/messages.ts';
import type { Json } from '../../domain/text/json-value.ts';

/** The levels that a request may have. Deeper arguments are shown as text. */
const MAX_ARGUMENTS_DEPTH = 64;

/**
 * The body of the message list as JSON text. It contains the large documents of a message as the database wrote them: they
 * are not parsed here.
 */
export function presentMessages(messages: Message[]): string {
  return `{"messages":[${messages.map(presentMessage).join()}]}`;
}

function presentMessage(message: Message): string {
  const head = {
    id: message.id,
    session_id: message.sessionId,
    role: message.role,
    content: message.content,
  };
  const tail = {
    created_at: message.createdAt.toISOString(),
    change: message.change,
    turn_id: message.turnId,
    status: message.status,
    model: message.model,
    tool_calls: message.toolCalls.map(presentToolCall),
    usage: message.usage,
    ...(message.contentTruncated ? { content_truncated: true } : {}),
    ...(message.workOmitted ? { workflow_diff_omitted: true, tool_calls_omitted: true } : {}),
    ...(message.callsDeleted ? { tool_calls_deleted: true } : {}),
    ...(message.preSnapshotOmitted ? { pre_snapshot_omitted: true } : {}),
  };
  const documents = `"workflow_diff":${message.workflowDiff ?? 'null'},"pre_snapshot":${message.preSnapshot ?? 'null'}`;
  return `${JSON.stringify(head).slice(0, -1)},${documents},${JSON.stringify(tail).slice(1)}`;
}

function presentToolCall(call: ToolCallRecord) {
  return {
    call_id: call.callId,
    name: call.name,
    arguments: presentArguments(call.arguments),
    result: call.result,
    is_error: call.isError,
    step: call.step,
  };
}

/** The object that the model wrote as arguments, or their text when they are no object or too deep for clients to parse. */
function presentArguments(text: string): Json {
  const parsed = parseJsonObject(text);
  return parsed === null || isDeeperThan(parsed, MAX_ARGUMENTS_DEPTH) ? text : parsed;
}
