import type { Knex } from 'knex';

/** The rows of a statement with `?` bindings, or with named ones (`:name`; write casts as `cast(:name as type)`). */
export async function rowsOf<T>(
  db: Knex,
  sql: string,
  bindings: readonly unknown[] | Record<string, string | number | null> = [],
): Promise<T[]> {
  const result = await db.raw<{ rows: T[] }>(sql, bindings as Knex.ValueDict);
  return result.rows;
}

/**
 * A timestamp that JavaScript can write, as SQL: the platform's rows may have none, and Postgres knows infinity and years
 * that Date does not.
 */
export function readableTime(expression: string): string {
  return `least(greatest(coalesce(${expression}, 'epoch'), timestamptz '0001-01-01 00:00:00Z'), timestamptz '9999-12-31 23:59:59Z')`;
}

/** An oid as a number of JavaScript, as SQL. Oids go up to 2^32 - 1, which an int4 does not hold, and int8 arrives as a string. */
export function oidNumber(expression: string): string {
  return `${expression}::int8::float8`;
}
