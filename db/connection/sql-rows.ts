import type { Knex } from 'knex';

/** Returns the rows of a statement. Bindings are `?`, or `:name` (then write casts as `cast(:name as type)`). */
export async function rowsOf<T>(
  db: Knex,
  sql: string,
  bindings: readonly unknown[] | Record<string, string | number | null> = [],
): Promise<T[]> {
  const result = await db.raw<{ rows: T[] }>(sql, bindings as Knex.ValueDict);
  return result.rows;
}

/**
 * SQL for a timestamp that a JavaScript Date can hold. The platform's rows may hold null, infinity, or a year outside
 * 1 to 9999; null becomes 1970, the others the nearest limit.
 */
export function readableTime(expression: string): string {
  return `least(greatest(coalesce(${expression}, 'epoch'), timestamptz '0001-01-01 00:00:00Z'), timestamptz '9999-12-31 23:59:59Z')`;
}

/** SQL for an oid that arrives as a JavaScript number. An oid does not fit into int4, and int8 arrives as a string. */
export function oidNumber(expression: string): string {
  return `${expression}::int8::float8`;
}
