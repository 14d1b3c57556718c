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
