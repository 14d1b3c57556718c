/**
 * Counts the bytes of request bodies. A count leaks at the rate of its limit, so a burst of a whole minute's bytes is taken
 * at once, and the same again is taken a minute later.
 */
import type { Knex } from 'knex';
import type { Limit } from '../../runtime/config.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { limitReached } from './limit-error.ts';

const WHAT = 'bytes of request bodies a minute';
/** What is left of the count `b`, at a rate of `?` bytes a minute. */
const LEFT = `greatest(0, b.bytes - ?::float8 * extract(epoch from clock_timestamp() - b.counted_at)::float8 / 60)`;

/** Counts a body. Throws LimitError, and counts nothing, when the body is beyond a limit. */
export async function countBody(
  db: Knex,
  { principal, bytes }: { principal: string | null; bytes: number },
  limit: Limit,
): Promise<void> {
  // No principal has the key of the total: theirs begin with `of `.
  const counted = [
    ...(limit.own > 0 && principal !== null
      ? [{ scope: 'own' as const, key: `of ${principal}`, atMost: limit.own }]
      : []),
    ...(limit.total > 0 ? [{ scope: 'total' as const, key: 'all', atMost: limit.total }] : []),
  ];
  const countAll = async (of: Knex): Promise<void> => {
    for (const { scope, key, atMost } of counted) {
      if (await add(of, { key, bytes, atMost })) continue;
      throw limitReached({ scope, atMost, what: WHAT }, await secondsToWait(of, { key, bytes, atMost }));
    }
  };
  // One statement needs no transaction of its own.
  if (counted.length > 1) await db.transaction(countAll);
  else await countAll(db);
}

interface Addition {
  key: string;
  bytes: number;
  atMost: number;
}

/** The row's lock makes the check and the addition one step. */
async function add(db: Knex, { key, bytes, atMost }: Addition): Promise<boolean> {
  const rows = await rowsOf(
    db,
    `insert into ai.copilot_body_bytes as b (scope, bytes, counted_at)
     select ?, ?::float8, clock_timestamp() where ?::float8 <= ?::float8
     on conflict (scope) do update set bytes = ${LEFT} + excluded.bytes, counted_at = clock_timestamp()
       where ${LEFT} + excluded.bytes <= ?::float8
     returning 1`,
    [key, bytes, bytes, atMost, atMost, atMost, atMost],
  );
  return rows.length > 0;
}

async function secondsToWait(db: Knex, { key, bytes, atMost }: Addition): Promise<number> {
  const [count] = await rowsOf<{ bytes: number }>(
    db,
    `select ${LEFT} as bytes from ai.copilot_body_bytes b where b.scope = ?`,
    [atMost, key],
  );
  // A body that is larger than the limit is never taken. No wait helps, so a minute is as good as any.
  return Math.min(60, (((count?.bytes ?? 0) + bytes - atMost) / atMost) * 60);
}
