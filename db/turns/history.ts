/** Reads what was said in a session before a turn: the first message, the newest summary, and the messages after it. */
import type { Knex } from 'knex';
import type { WorkflowDiff } from '../../domain/graph/graph.ts';
import { rowsOf } from '../connection/sql-rows.ts';

/** More messages than fit into a context window. */
const MAX_MESSAGES = 2_000;

export interface HistoryMessage {
  id: string;
  role: 'user' | 'assistant';
  content: string;
  workflowDiff: WorkflowDiff | null;
  /** The delimiter seed of the turn that wrote an assistant message; null for other messages. */
  delimiterSeed: string | null;
}

export interface SessionHistory {
  /** The first message of the user; null when there is none yet, or when `messages` includes it. */
  first: HistoryMessage | null;
  /** The newest summary. It covers everything before the turn that made it. */
  summary: { body: string; delimiterSeed: string } | null;
  /** The messages that the summary does not cover, oldest first. */
  messages: HistoryMessage[];
}

interface Row {
  id: string;
  role: 'user' | 'assistant';
  content: string;
  workflow_diff: WorkflowDiff | null;
  fence_seed: string | null;
}

/** Loads the history for the prompt of a turn. */
export async function loadHistory(db: Knex, turnId: string): Promise<SessionHistory> {
  const [summary] = await rowsOf<{ body: string; fence_seed: string; covers_until: string }>(
    db,
    `select s.body, t.fence_seed, m.created_at::text as covers_until
     from ai.copilot_turns own
     join ai.copilot_turns t on t.session_id = own.session_id and t.created_at <= own.created_at
     join ai.copilot_transcript s on s.turn_id = t.id and s.role = 'summary'
     join ai.copilot_messages m on m.id = t.user_message_id
     where own.id = ? order by t.created_at desc limit 1`,
    [turnId],
  );
  const rows = await rowsOf<Row & { is_apart: boolean }>(
    db,
    `with own as (select session_id, user_message_id, message_id from ai.copilot_turns where id = ?),
       earlier as (
         select m.id, m.role, m.content, m.workflow_diff, m.created_at from own
         join ai.copilot_messages m on m.session_id = own.session_id
         where m.role in ('user', 'assistant') and m.id not in (own.user_message_id, own.message_id)
       ),
       first as (select * from earlier where role = 'user' order by created_at, id limit 1),
       newest as (
         select * from earlier where created_at >= coalesce(?::timestamptz, '-infinity')
         order by created_at desc, id desc limit ?
       )
     select shown.id, shown.role, shown.content, shown.workflow_diff, t.fence_seed,
       not exists (select 1 from newest where newest.id = shown.id) as is_apart
     from (select * from newest union select * from first) shown
     left join ai.copilot_turns t on t.message_id = shown.id
     order by shown.created_at, shown.id`,
    [turnId, summary?.covers_until ?? null, MAX_MESSAGES],
  );
  return {
    first: rows.filter((row) => row.is_apart).map(toMessage)[0] ?? null,
    summary: summary ? { body: summary.body, delimiterSeed: summary.fence_seed } : null,
    messages: rows.filter((row) => !row.is_apart).map(toMessage),
  };
}

function toMessage(row: Row): HistoryMessage {
  return {
    id: row.id,
    role: row.role,
    content: row.content,
    workflowDiff: row.workflow_diff,
    delimiterSeed: row.fence_seed,
  };
}
