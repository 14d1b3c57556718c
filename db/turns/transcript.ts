/** The transcript of a turn: the results of its activities. Each result is stored once, under the fence of its claim. */
import type { Knex } from 'knex';
import type { TurnEvent } from '../../contracts/events.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { appendLocked } from '../events/append-events.ts';
import type { Fence } from '../fence.ts';
import { holdFence } from './claims.ts';
import { insertUsage, type UsageEntry } from './usage-rows.ts';

export interface TranscriptEntry {
  step: number;
  position: number;
  role: 'assistant' | 'tool';
  /** JSON text, whose shape the activities define. */
  body: string;
}

/** The result of an activity: its transcript row, and what is stored with the row. */
export interface SavedWork {
  entry: Omit<TranscriptEntry, 'role'> & { role: TranscriptEntry['role'] | 'summary' };
  events: TurnEvent[];
  usage?: UsageEntry;
  /** The call to count, for the result of a tool call. The tool's name is one of a known set. */
  toolCall?: { tool: string; result: 'ok' | 'error' };
  graph?: { working: string; aliases: Record<string, string> };
}

/**
 * Stores an activity's result in one transaction under the fence. Saving again under the same fence, after a lost answer,
 * changes nothing. Throws FencedError when a newer claim exists, TurnOverError when the turn has ended.
 */
export async function saveWork(db: Knex, fence: Fence, work: SavedWork): Promise<void> {
  await db.transaction(async (trx) => {
    await holdFence(trx, fence);
    await saveUnderFence(trx, fence, work);
  });
}

/** Like saveWork, in a transaction that holds the fence already. */
export async function saveUnderFence(trx: Knex, fence: Fence, work: SavedWork): Promise<void> {
  const inserted = await rowsOf(
    trx,
    `with entry as (
       insert into ai.copilot_transcript (turn_id, key, step, position, role, body) values (?, ?, ?, ?, ?, ?)
       on conflict (turn_id, key) do nothing returning 1
     ), counted as (
       insert into ai.copilot_count_changes (name, labels, value)
       select 'tool_calls', c.labels, 1 from entry, (values (?::text[])) as c (labels) where c.labels is not null
     )
     select 1 from entry`,
    [
      fence.turnId,
      fence.key,
      work.entry.step,
      work.entry.position,
      work.entry.role,
      work.entry.body,
      work.toolCall ? [work.toolCall.tool, work.toolCall.result] : null,
    ],
  );
  if (inserted.length === 0) return;
  await appendLocked(trx, fence, work.events);
  if (work.graph) {
    await trx.raw('update ai.copilot_turns set working_graph = ?, block_aliases = ? where id = ?', [
      work.graph.working,
      JSON.stringify(work.graph.aliases),
      fence.turnId,
    ]);
  }
  if (work.usage) await insertUsage(trx, fence, work.usage);
}

/** The transcript without summaries, in the order of the conversation. */
export async function listTranscript(db: Knex, turnId: string): Promise<TranscriptEntry[]> {
  return rowsOf<TranscriptEntry>(
    db,
    `select step, position, role, body from ai.copilot_transcript
     where turn_id = ? and role <> 'summary' order by step, position`,
    [turnId],
  );
}
