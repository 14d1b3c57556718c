import type { Knex } from 'knex';

/** The rows of a statement with `?` bindings. */
export async function rowsOf<T>(db: Knex, sql: string, bindings: readonly unknown[] = []): Promise<T[]> {
  const result = await db.raw<{ rows: T[] }>(sql, bindings as Knex.RawBinding[]);
  return result.rows;
}
