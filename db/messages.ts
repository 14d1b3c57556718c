/** The messages of a session, with what their turns did. */
import type { Knex } from 'knex';
import type { Usage } from '../contracts/events.ts';
import type { Json, WorkflowDiff } from '../domain/graph.ts';
import { rowsOf } from './sql-rows.ts';
import { USAGE_SUMS } from './usage-sums.ts';

export interface Message {
  id: string;
  sessionId: string;
  role: 'user' | 'assistant' | 'system';
  content: string;
  workflowDiff: WorkflowDiff | null;
  preSnapshot: Json;
  createdAt: Date;
  turnId: string | null;
  status: 'complete' | 'cancelled' | 'failed';
  model: string | null;
  toolCalls: ToolCallRecord[];
  /** Null for a message without a turn, and for the user's. */
  usage: Usage | null;
}

export interface ToolCallRecord {
  callId: string;
  name: string;
  /** As the model wrote them. */
  arguments: string;
  result: string | null;
  isError: boolean;
  step: number;
}

/** Of a turn that ended before a call was reported. */
const NO_USAGE: Usage = {
  calls: 0,
  input_tokens: 0,
  cached_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  cost_usd: null,
};

interface MessageRow {
  id: string;
  session_id: string;
  role: Message['role'];
  content: string;
  workflow_diff: WorkflowDiff | null;
  pre_snapshot: Json;
  created_at: Date;
  turn_id: string | null;
  status: Message['status'] | null;
  model: string | null;
}

/**
 * A page of messages, oldest first: the newest `limit` ones before the message `before`, or of all. Null when `before`
 * is no message of the session. Without a limit, all of them.
 */
export async function listMessages(
  db: Knex,
  sessionId: string,
  page: { limit: number | null; before: string | null },
): Promise<Message[] | null> {
  if (page.before !== null) {
    const known = await rowsOf(db, 'select 1 from ai.copilot_messages where id = ? and session_id = ?', [
      page.before,
      sessionId,
    ]);
    if (known.length === 0) return null;
  }
  const rows = await rowsOf<MessageRow>(
    db,
    `select m.id, m.session_id, m.role, m.content, m.workflow_diff, m.pre_snapshot,
       coalesce(m.created_at, 'epoch') as created_at, t.id as turn_id,
       case when m.role = 'assistant' then t.status end as status,
       case when m.role = 'assistant' then t.model end as model
     from ai.copilot_messages m
     left join lateral (
       select t.id, t.status, t.model from ai.copilot_turns t
       where t.message_id = m.id or t.user_message_id = m.id limit 1
     ) t on true
     where m.session_id = ?
       and (?::uuid is null or (coalesce(m.created_at, 'epoch'), m.id) < (select coalesce(b.created_at, 'epoch'), b.id from ai.copilot_messages b where b.id = ?::uuid))
     order by coalesce(m.created_at, 'epoch') desc, m.id desc limit ?::int`,
    [sessionId, page.before, page.before, page.limit],
  );
  rows.reverse();
  const turnIds = rows.flatMap((row) => (row.role === 'assistant' && row.turn_id ? [row.turn_id] : []));
  const [calls, usage] = await Promise.all([listToolCalls(db, turnIds), listUsage(db, turnIds)]);
  return rows.map((row) => toMessage(row, calls, usage));
}

function toMessage(
  row: MessageRow,
  calls: Map<string, ToolCallRecord[]>,
  usage: Map<string, Usage>,
): Message {
  const turnId = row.role === 'assistant' ? row.turn_id : null;
  return {
    id: row.id,
    sessionId: row.session_id,
    role: row.role,
    content: row.content,
    workflowDiff: row.workflow_diff,
    preSnapshot: row.pre_snapshot,
    createdAt: row.created_at,
    turnId: row.turn_id,
    status: row.status ?? 'complete',
    model: row.model,
    toolCalls: (turnId && calls.get(turnId)) || [],
    usage: turnId === null ? null : (usage.get(turnId) ?? NO_USAGE),
  };
}

async function listToolCalls(db: Knex, turnIds: string[]): Promise<Map<string, ToolCallRecord[]>> {
  const records = new Map<string, ToolCallRecord[]>();
  if (turnIds.length === 0) return records;
  const rows = await rowsOf<{ turn_id: string; step: number; role: 'assistant' | 'tool'; body: string }>(
    db,
    `select turn_id, step, role, body from ai.copilot_transcript where turn_id = any(?::uuid[]) and role <> 'summary'
     order by turn_id, step, position`,
    [turnIds],
  );
  for (const row of rows) {
    const list = records.get(row.turn_id) ?? [];
    records.set(row.turn_id, list);
    if (row.role === 'assistant') {
      const body = JSON.parse(row.body) as {
        toolCalls: { callId: string; name: string; arguments: string }[];
      };
      for (const { callId, name, arguments: text } of body.toolCalls) {
        list.push({ callId, name, arguments: text, result: null, isError: false, step: row.step });
      }
    } else {
      const body = JSON.parse(row.body) as { callId: string; content: string; isError: boolean };
      const record = list.find((call) => call.callId === body.callId && call.step === row.step);
      if (record) Object.assign(record, { result: body.content, isError: body.isError });
    }
  }
  return records;
}

async function listUsage(db: Knex, turnIds: string[]): Promise<Map<string, Usage>> {
  if (turnIds.length === 0) return new Map();
  const rows = await rowsOf<Usage & { turn_id: string }>(
    db,
    `select ${USAGE_SUMS}, turn_id from ai.copilot_usage
     where turn_id = any(?::uuid[]) and not estimated group by turn_id`,
    [turnIds],
  );
  return new Map(rows.map(({ turn_id, ...usage }) => [turn_id, usage]));
}
