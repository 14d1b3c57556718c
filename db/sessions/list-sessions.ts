/** The sessions of a workflow, with what a list shows of each. */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';
import { type Session, SESSION_COLUMNS, type SessionRow, toSession, type Viewer } from './sessions.ts';

/** Characters of a title. */
const TITLE_CHARS = 80;

export interface ListedSession extends Session {
  /** The beginning of the first message; null before it. */
  title: string | null;
  messages: number;
}

interface ListedRow extends SessionRow {
  title: string | null;
  messages: number;
}
/** The one row of a page without sessions. */
interface EmptyRow {
  id: null;
}

/**
 * A page of the sessions that the viewer may see, newest first, of those before the session `before`. Null when `before` is
 * none of them.
 */
export async function listSessions(
  db: Knex,
  {
    workflowId,
    ownerSub,
    limit,
    before,
  }: Viewer & { workflowId: string; limit: number; before: string | null },
): Promise<ListedSession[] | null> {
  const bindings = { workflow: workflowId, owner: ownerSub, limit, before };
  const rows = await rowsOf<(ListedRow | EmptyRow) & { is_known: boolean }>(
    db,
    pageSql(before !== null),
    bindings,
  );
  if (!rows.every((row) => row.is_known)) return null;
  return rows.flatMap((row) =>
    row.id === null ? [] : [{ ...toSession(row), title: row.title, messages: row.messages }],
  );
}

const VISIBLE = 's.workflow_id = :workflow and (cast(:owner as text) is null or s.owner_sub = :owner)';

/**
 * The platform's own rows may have no time: they are the oldest. With times and without are two reads, each in the order of
 * the index on (workflow_id, created_at), so that a page costs what it holds and not what the workflow has. The same
 * statement says whether the cursor is known: a session that is deleted between two would end the list early.
 */
function pageSql(isNextPage: boolean): string {
  const dated = isNextPage
    ? `s.created_at <= (select created_at from cursor) and
       (s.created_at < (select created_at from cursor) or s.id > :before)`
    : 's.created_at is not null';
  const undated = isNextPage
    ? 's.created_at is null and ((select created_at from cursor) is not null or s.id > :before)'
    : 's.created_at is null';
  return `
    with cursor as materialized (
      select s.created_at from ai.copilot_sessions s where ${isNextPage ? `s.id = :before and ${VISIBLE}` : 'false'}
    ),
    page as (
      (select s.* from ai.copilot_sessions s where ${VISIBLE} and ${dated}
       order by s.created_at desc, s.id limit :limit)
      union all
      (select s.* from ai.copilot_sessions s where ${VISIBLE} and ${undated} order by s.id limit :limit)
      order by created_at desc nulls last, id limit :limit
    )
    select ${isNextPage ? 'exists (select from cursor)' : 'true'} as is_known,
      ${SESSION_COLUMNS}, first.title, counted.messages
    from (select) as always
    left join page s on true
    left join lateral (
      select left(m.content, ${TITLE_CHARS}) as title from ai.copilot_messages m
      where m.session_id = s.id order by m.created_at, m.id limit 1
    ) first on true
    cross join lateral (
      select count(*)::int as messages from ai.copilot_messages m where m.session_id = s.id
    ) counted
    order by s.created_at desc nulls last, s.id`;
}
