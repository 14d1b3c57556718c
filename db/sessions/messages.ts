/**
 * The messages of a session, with what their turns did. A page has a bound in rows and in bytes: the database measures
 * its fields from the newest message on, and what no longer fits is never loaded.
 */
import type { Knex } from 'knex';
import type { Usage } from '../../contracts/events.ts';
import { listToolCalls, type ToolCallRecord } from './message-calls.ts';
import { readableTime, rowsOf } from '../connection/sql-rows.ts';
import { USAGE_SUMS } from '../turns/usage-rows.ts';

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
  return rowsOf<MessageRow>(db, PAGE_SQL, {
    session: sessionId,
    message: whole ? page.message : null,
    before: whole ? null : page.before,
    limit: whole ? 1 : (page.limit ?? MAX_PAGE_MESSAGES),
    content_bytes: bytes.content,
    work_bytes: bytes.work,
    snapshot_bytes: bytes.snapshot,
  });
}

/**
 * Sizes are those of the JSON text, added up from the newest message (n = 1) on. A transcript body is JSON text already, and
 * its size is known without reading it. Snapshots are measured one after the other and no further than they fit: one may
 * have megabytes, and measuring it means writing it as text.
 */
const PAGE_SQL = `
  with recursive picked as materialized (
    select row_number() over (order by newest.created_at desc, newest.id desc)::int as n, newest.id, t.id as turn_id,
      case when newest.role = 'assistant' then t.id end as work_of, t.status, t.model
    from (
      select m.id, m.role, coalesce(m.created_at, 'epoch') as created_at
      from ai.copilot_messages m
      where m.session_id = :session and (cast(:message as uuid) is null or m.id = cast(:message as uuid))
        and (cast(:before as uuid) is null or (coalesce(m.created_at, 'epoch'), m.id) < (
          select coalesce(b.created_at, 'epoch'), b.id from ai.copilot_messages b where b.id = cast(:before as uuid)))
      order by coalesce(m.created_at, 'epoch') desc, m.id desc limit cast(:limit as int)
    ) newest
    left join lateral (
      select t.id, t.status, t.model from ai.copilot_turns t
      where t.message_id = newest.id or t.user_message_id = newest.id limit 1
    ) t on true
  ),
  calls as (
    select x.turn_id, sum(octet_length(x.body)) as bytes from ai.copilot_transcript x
    where x.turn_id in (select work_of from picked) and x.role <> 'summary' group by x.turn_id
  ),
  texts as materialized (
    select p.*, calls.bytes is not null as has_calls,
      sum(${FIXED_BYTES} + octet_length(to_json(m.content)::text)) over (order by p.n) as content_used,
      sum(coalesce(octet_length(m.workflow_diff::text), 0) + coalesce(calls.bytes, 0)) over (order by p.n) as work_bytes,
      m.pre_snapshot is not null as has_snapshot
    from picked p join ai.copilot_messages m on m.id = p.id left join calls on calls.turn_id = p.work_of
  ),
  contents as (
    select coalesce(max(content_used) filter (where content_used <= :content_bytes), 0)
      + count(*) filter (where content_used > :content_bytes) * ${FIXED_BYTES + CUT_BYTES} as used from texts
  ),
  works as materialized (
    select t.*, c.used + t.work_bytes as work_used from texts t cross join contents c
  ),
  snapshots as materialized (
    select array_agg(id order by n) filter (where has_snapshot) as ids,
      coalesce(max(work_used) filter (where work_used <= :work_bytes), min(work_used - work_bytes)) as used from works
  ),
  fitting as (
    select 0 as place, null::uuid as id, used from snapshots
    union all
    select f.place + 1, m.id, f.used + octet_length(m.pre_snapshot::text)
    from fitting f cross join snapshots s join ai.copilot_messages m on m.id = s.ids[f.place + 1]
    where f.used <= :snapshot_bytes
  )
  select m.id, m.session_id, m.role, ${readableTime('m.created_at')} as created_at, w.turn_id,
    case when m.role = 'assistant' then w.status end as status,
    case when m.role = 'assistant' then w.model end as model,
    case when w.content_used <= :content_bytes then m.content else left(m.content, ${CUT_CHARACTERS}) end as content,
    w.content_used > :content_bytes as content_truncated,
    case when w.work_used <= :work_bytes then m.workflow_diff::text end as workflow_diff,
    w.work_used > :work_bytes and (m.workflow_diff is not null or w.has_calls) as work_omitted,
    case when f.id is not null then m.pre_snapshot::text end as pre_snapshot,
    f.id is null and m.pre_snapshot is not null as pre_snapshot_omitted
  from works w
  join ai.copilot_messages m on m.id = w.id
  left join fitting f on f.id = w.id and f.used <= :snapshot_bytes
  order by w.n`;

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
