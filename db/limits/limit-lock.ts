import type { Knex } from 'knex';

/**
 * Holds the lock of a limit until the transaction ends, so that two transactions can't both take the last place. One lock
 * is for all principals when all share a limit, else each principal has one. `name` names what is limited.
 */
export async function lockLimit(
  trx: Knex,
  { name, principal, total }: { name: string; principal: string | null; total: boolean },
): Promise<void> {
  const key = total || principal === null ? `copilot limit ${name}` : `copilot limit ${name} of ${principal}`;
  await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [key]);
}
