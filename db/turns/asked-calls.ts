/**
 * What a tool call reads of the transcript: the call itself, and what its turn did with the same tool before. Bodies are
 * the JSON that the activities write. Their text is compared as it stands: Postgres refuses to read any string of a JSON
 * text that has a NUL or half a surrogate pair in one of its strings.
 */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';

export interface AskedCall {
  sessionId: string;
  workflowId: string;
  /** The calls of the answer that asked for the call, in their order. Arguments of other calls may be null. */
  calls: { callId: string; name: string; arguments: string | null }[];
}

/** A call with the calls beside it, and the ids that it needs of its turn. Null: the turn does not exist. */
export async function findAskedCall(
  db: Knex,
  { turnId, step, callId }: { turnId: string; step: number; callId: string },
): Promise<AskedCall | null> {
  const rows = await rowsOf<{ session_id: string; workflow_id: string; answer: string | null }>(
    db,
    `select t.session_id, t.workflow_id,
       case when a.body ~ '\\\\u(0000|d[89a-f])' then a.body else (
         select json_build_object('toolCalls', json_agg(json_build_object(
           'callId', call -> 'callId', 'name', call -> 'name',
           'arguments', case when call ->> 'callId' = ? then call -> 'arguments' end) order by place))::text
         from json_array_elements(a.body::json -> 'toolCalls') with ordinality as calls (call, place)
       ) end as answer
     from ai.copilot_turns t left join ai.copilot_transcript a on a.turn_id = t.id and a.key = ?
     where t.id = ?`,
    [callId, `step:${step}`, turnId],
  );
  const row = rows[0];
  if (!row) return null;
  const answer = JSON.parse(row.answer ?? '{}') as { toolCalls?: AskedCall['calls'] | null };
  return { sessionId: row.session_id, workflowId: row.workflow_id, calls: answer.toolCalls ?? [] };
}

/** Whether a row is the result of a call of the tool of this name, by how its body begins. */
const IS_RESULT_OF = `role = 'tool' and starts_with(body, '{"callId":"' || substr(key, 6) || '","name":' || ? || ',')`;

/** How many calls of a tool the steps before this one made. */
export async function countEarlierCalls(
  db: Knex,
  { turnId, step, name }: { turnId: string; step: number; name: string },
): Promise<number> {
  const rows = await rowsOf<{ calls: number }>(
    db,
    `select count(*)::int as calls from ai.copilot_transcript where turn_id = ? and step < ? and ${IS_RESULT_OF}`,
    [turnId, step, JSON.stringify(name)],
  );
  return rows[0]!.calls;
}

/** The body of the newest result that a tool gave in the steps before this one; null when there is none. */
export async function findPreviousResult(
  db: Knex,
  { turnId, step, name }: { turnId: string; step: number; name: string },
): Promise<string | null> {
  const rows = await rowsOf<{ body: string }>(
    db,
    `select body from ai.copilot_transcript
     where turn_id = ? and step < ? and ${IS_RESULT_OF}
     order by step desc, position desc limit 1`,
    [turnId, step, JSON.stringify(name)],
  );
  return rows[0]?.body ?? null;
}
