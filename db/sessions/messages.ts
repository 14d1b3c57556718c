/**
 * Reads the messages of a session with the tool calls and usage of their turns. A page is bounded in rows and bytes. The
 * database adds up the sizes of the fields, from the newest message on, and does not send fields that no longer fit.
 */
import type { Knex } from 'knex';
import type { Usage } from '../../contracts/events.ts';
import { listToolCalls, type ToolCallRecord } from './message-calls.ts';
import { readableTime, rowsOf } from '../connection/sql-rows.ts';
import { USAGE_SUMS } from '../turns/usage-rows.ts';

/** The highest limit of a page, and the default. */
export const MAX_PAGE_MESSAGES = 200;

/**
 * Budgets of a page in bytes of JSON, each including the ones before it. Texts are added up first, then diffs and tool
 * calls, then snapshots of the canvas, so that a large snapshot never displaces a message's text.
 */
const PAGE_BYTES = { content: 2_400_000, work: 3_200_000, snapshot: 4_000_000 };
/** Budgets of a message that is read by its id. They are larger than anything that can be stored. */
const WHOLE_BYTES = { content: 64_000_000, work: 128_000_000, snapshot: 192_000_000 };
/** An upper bound for the ids, times, model and usage of one message as JSON. */
const FIXED_BYTES = 900;
/** How many characters remain of a text that does not fit, and how many bytes of JSON they can take. */
const CUT_CHARACTERS = 200;
const CUT_BYTES = 6 * CUT_CHARACTERS;

export interface Message {
  id: string;
  sessionId: string;
  role: 'user' | 'assistant' | 'system';
  /** The first 200 characters when `contentTruncated`. */
  content: string;
  contentTruncated: boolean;
  /** JSON text of the database. It is passed on without being parsed, so it may nest to any depth. */
  workflowDiff: string | null;
  /** JSON text, like workflowDiff. */
  preSnapshot: string | null;
  /** True when the message has a snapshot that did not fit. */
  preSnapshotOmitted: boolean;
  /** What a person did with the diff. Null without a diff. */
  change: 'proposed' | 'applied' | 'reverted' | null;
  /** True when the diff and the tool calls did not fit. Then neither is given. */
  workOmitted: boolean;
  /** True when retention has deleted the transcript of the message's turn, and with it the tool calls. */
  callsDeleted: boolean;
  createdAt: Date;
  turnId: string | null;
  status: 'complete' | 'cancelled' | 'failed';
  model: string | null;
  toolCalls: ToolCallRecord[];
  /** Null for a user's message and for a message without a turn. */
  usage: Usage | null;
}

/** The usage of a turn without a reported call. */
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
  change: Message['change'];
  work_omitted: boolean;
  calls_deleted: boolean;
  created_at: Date;
  turn_id: string | null;
  status: Message['status'] | null;
  model: string | null;
}

/** Selects messages: the newest `limit` ones that are older than the message `before`, or one message by its id. */
export type MessagePage = { limit: number | null; before: string | null } | { message: string };

/**
 * A page of messages, oldest first. Null when `before` or `message` is no message of the session. The default limit is
 * MAX_PAGE_MESSAGES.
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
    row.role === 'assistant' && row.turn_id && !row.work_omitted && !row.calls_deleted ? [row.turn_id] : [],
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
 * Adds up sizes of JSON text, from the newest message (n = 1) on. The size of a transcript body is known without reading
 * it, because it is text. A snapshot is jsonb and must be written as text to be measured, and may have megabytes. So the
 * recursive part measures one snapshot at a time and stops at the first that does not fit.
 */
const PAGE_SQL = `
  with recursive picked as materialized (
    select row_number() over (order by newest.created_at desc, newest.id desc)::int as n, newest.id, t.id as turn_id,
      case when newest.role = 'assistant' and t.shortened_at is null then t.id end as work_of, t.status, t.model,
      newest.role = 'assistant' and t.shortened_at is not null as calls_deleted
    from (
      select m.id, m.role, coalesce(m.created_at, 'epoch') as created_at
      from ai.copilot_messages m
      where m.session_id = :session and (cast(:message as uuid) is null or m.id = cast(:message as uuid))
        and (cast(:before as uuid) is null or (coalesce(m.created_at, 'epoch'), m.id) < (
          select coalesce(b.created_at, 'epoch'), b.id from ai.copilot_messages b where b.id = cast(:before as uuid)))
      order by coalesce(m.created_at, 'epoch') desc, m.id desc limit cast(:limit as int)
    ) newest
    left join lateral (
      select t.id, t.status, t.model, t.shortened_at from ai.copilot_turns t
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
    w.calls_deleted,
    case when f.id is not null then m.pre_snapshot::text end as pre_snapshot,
    f.id is null and m.pre_snapshot is not null as pre_snapshot_omitted,
    case when m.workflow_diff is null then null when a.message_id is null then 'proposed'
      when a.reverted_at is null then 'applied' else 'reverted' end as change
  from works w
  join ai.copilot_messages m on m.id = w.id
  left join fitting f on f.id = w.id and f.used <= :snapshot_bytes
  left join ai.copilot_snapshots a on a.message_id = w.id
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
    change: row.change,
    workOmitted: row.work_omitted,
    callsDeleted: row.calls_deleted,
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
