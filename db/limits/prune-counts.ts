import type { Knex } from 'knex';

/** Deletes what no limit counts any more. Rows that another process is deleting are left to that process. */
export async function pruneCounts(db: Knex): Promise<void> {
  for (const [table, key, isOld] of [
    ['copilot_chat_starts', 'turn_id', `started_at < clock_timestamp() - interval '2 minutes'`],
    ['copilot_body_bytes', 'scope', `counted_at < clock_timestamp() - interval '2 minutes'`],
    ['copilot_open_streams', 'principal, process', `expires_at < clock_timestamp() - interval '2 minutes'`],
  ] as const)
    await db.raw(
      `delete from ai.${table} where (${key}) in (
         select ${key} from ai.${table} where ${isOld} limit 10000 for update skip locked)`,
    );
}
