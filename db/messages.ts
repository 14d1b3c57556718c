/**
 * The messages of a session, with what their turns did. A page has a bound in rows and in bytes: the database measures
 * its fields from the newest message on, and what no longer fits is never loaded.
 */
import type { Knex } from 'knex';
import type { Usage } from '../contracts/events.ts';
import { listToolCalls, type ToolCallRecord } from './message-calls.ts';
import { readableTime, rowsOf } from './sql-rows.ts';
import { USAGE_SUMS } from './usage-sums.ts';

/** Messages of a page when no limit is asked for, and the highest limit. */
export const MAX_PAGE_MESSAGES = 200;

/**
 * What a page may hold as JSON, in bytes. The text comes first, what the turns did next, the snapshots of the canvas
 * last, so that a large snapshot never costs a reader the conversation.
 */
const PAGE_BYTES = { content: 2_400_000, work: 3_200_000, snapshot: 4_000_000 };
/** A message that is asked for by its id comes whole: no request stores more than this. */
const WHOLE_BYTES = { content: 64_000_000, work: 128_000_000, snapshot: 192_000_000 };
/** Ids, times, model and usage of one message as JSON: an upper bound. */
const FIXED_BYTES = 900;
/** Characters that stay of a text that does not fit, and their bytes at most, written as JSON. */
const CUT_CHARACTERS = 200;
const CUT_BYTES = 6 * CUT_CHARACTERS;

export interface Message {
  id: string;
  sessionId: string;
  role: 'user' | 'assistant' | 'system';
  /** The first 200 characters when `contentTruncated`. */
  content: string;
  contentTruncated: boolean;
  /** JSON text as the database writes it: it is passed on and never parsed, so no depth or size of it matters. */
  workflowDiff: string | null;
  /** JSON text, like workflowDiff. */
  preSnapshot: string | null;
  /** True when there is a snapshot that did not fit. */
  preSnapshotOmitted: boolean;
  /** True when the diff and the tool calls did not fit. */
  workOmitted: boolean;
  createdAt: Date;
  turnId: string | null;
  status: 'complete' | 'cancelled' | 'failed';
  model: string | null;
  toolCalls: ToolCallRecord[];
  /** Null for a message without a turn, and for the user's. */
  usage: Usage | null;
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
  content_truncated: boolean;
  workflow_diff: string | null;
  pre_snapshot: string | null;
  pre_snapshot_omitted: boolean;
  work_omitted: boolean;
  created_at: Date;
  turn_id: string | null;
  status: Message['status'] | null;
  model: string | null;
}

/** Which messages of a session: the newest `limit` ones, of those before the message `before`; or one, whole. */
export type MessagePage = { limit: number | null; before: string | null } | { message: string };

/**
 * A page of messages, oldest first. Null when `before` or `message` is no message of the session. Without a limit the
 * newest 200.
 */
export async function listMessages(
  db: Knex,
  sessionId: string,
  page: MessagePage,
): Promise<Message[] | null> {
  const named = 'message' in page ? page.message : page.before;
  if (named !== null) {
    const known = await rowsOf(db, 'select 1 from ai.copilot_messages where id = ? and session_id = ?', [
      named,
      sessionId,
    ]);
    if (known.length === 0) return null;
  }
  const rows = await readPage(db, sessionId, page);
  rows.reverse();
  const turnIds = rows.flatMap((row) => (row.role === 'assistant' && row.turn_id ? [row.turn_id] : []));
  const withCalls = rows.flatMap((row) =>
    row.role === 'assistant' && row.turn_id && !row.work_omitted ? [row.turn_id] : [],
  );
  const [calls, usage] = await Promise.all([listToolCalls(db, withCalls), listUsage(db, turnIds)]);
  return rows.map((row) => toMessage(row, calls, usage));
}

/** The rows of a page, newest first. */
async function readPage(db: Knex, sessionId: string, page: MessagePage): Promise<MessageRow[]> {
  const whole = 'message' in page;
  const bytes = whole ? WHOLE_BYTES : PAGE_BYTES;
  const position = `coalesce(m.created_at, 'epoch') desc, m.id desc`;
  // Sizes are those of the JSON text. A transcript body is JSON text already, and its size is known without reading it.
  return rowsOf<MessageRow>(
    db,
    `with recursive picked as materialized (
       select row_number() over (order by newest.created_at desc, newest.id desc)::int as n, newest.id, t.id as turn_id,
         case when newest.role = 'assistant' then t.id end as work_of, t.status, t.model
       from (
         select m.id, m.role, coalesce(m.created_at, 'epoch') as created_at
         from ai.copilot_messages m
         where m.session_id = :session and (cast(:message as uuid) is null or m.id = cast(:message as uuid))
           and (cast(:before as uuid) is null or (coalesce(m.created_at, 'epoch'), m.id) < (
             select coalesce(b.created_at, 'epoch'), b.id from ai.copilot_messages b where b.id = cast(:before as uuid)))
         order by ${position} limit cast(:limit as int)
       ) newest
       left join lateral (
         select t.id, t.status, t.model from ai.copilot_turns t
         where t.message_id = newest.id or t.user_message_id = newest.id limit 1
       ) t on true
     ),
     ${fitting(
       'content',
       `select count(*) * ${FIXED_BYTES} from picked`,
       'octet_length(to_json(m.content)::text)',
     )},
     ${fitting(
       'work',
       `select max(f.used) filter (where f.used <= :content_bytes)
          + (select count(*) from picked) * ${CUT_BYTES}
          - count(*) filter (where f.n > 0 and f.used <= :content_bytes) * ${CUT_BYTES}
        from content_fit f`,
       `coalesce(octet_length(m.workflow_diff::text), 0) + coalesce((
          select sum(octet_length(x.body)) from ai.copilot_transcript x
          where x.turn_id = p.work_of and x.role <> 'summary'), 0)`,
     )},
     ${fitting(
       'snapshot',
       'select max(f.used) filter (where f.n = 0 or f.used <= :work_bytes) from work_fit f',
       'coalesce(octet_length(m.pre_snapshot::text), 0)',
     )}
     select m.id, m.session_id, m.role, ${readableTime('m.created_at')} as created_at, p.turn_id,
       case when m.role = 'assistant' then p.status end as status,
       case when m.role = 'assistant' then p.model end as model,
       case when c.n is null then left(m.content, ${CUT_CHARACTERS}) else m.content end as content,
       c.n is null as content_truncated,
       case when w.n is not null then m.workflow_diff::text end as workflow_diff,
       w.n is null and (m.workflow_diff is not null or exists (
         select 1 from ai.copilot_transcript x where x.turn_id = p.work_of and x.role <> 'summary')) as work_omitted,
       case when s.n is not null then m.pre_snapshot::text end as pre_snapshot,
       s.n is null and m.pre_snapshot is not null as pre_snapshot_omitted
     from picked p
     join ai.copilot_messages m on m.id = p.id
     left join content_fit c on c.n = p.n and c.used <= :content_bytes
     left join work_fit w on w.n = p.n and w.used <= :work_bytes
     left join snapshot_fit s on s.n = p.n and s.used <= :snapshot_bytes
     order by p.n`,
    {
      session: sessionId,
      message: whole ? page.message : null,
      before: whole ? null : page.before,
      limit: whole ? 1 : (page.limit ?? MAX_PAGE_MESSAGES),
      content_bytes: bytes.content,
      work_bytes: bytes.work,
      snapshot_bytes: bytes.snapshot,
    },
  );
}

/**
 * A common table expression that adds up what the messages hold of one kind, from the newest on: `used` is the sum up
 * to and with message `n`, beginning with `start`. It stops at the first one that does not fit, so that nothing behind
 * it is read from the disk, let alone written as text.
 */
function fitting(kind: 'content' | 'work' | 'snapshot', start: string, size: string): string {
  return `${kind}_fit as (
       select 0 as n, (${start})::numeric as used
       union all
       select p.n, f.used + (${size}) from ${kind}_fit f
       join picked p on p.n = f.n + 1 join ai.copilot_messages m on m.id = p.id
       where f.used <= :${kind}_bytes
     )`;
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
    contentTruncated: row.content_truncated,
    workflowDiff: row.workflow_diff,
    preSnapshot: row.pre_snapshot,
    preSnapshotOmitted: row.pre_snapshot_omitted,
    workOmitted: row.work_omitted,
    createdAt: row.created_at,
    turnId: row.turn_id,
    status: row.status ?? 'complete',
    model: row.model,
    toolCalls: (turnId && calls.get(turnId)) || [],
    usage: turnId === null ? null : (usage.get(turnId) ?? NO_USAGE),
  };
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
