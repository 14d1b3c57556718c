/** What a claim counts against its call: its own failures, and workers that were lost with it. */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';
import type { Fence } from '../fence.ts';

/** Whether at least `deaths` workers were lost with the call of this key. Asked before the call is claimed again. */
export async function isSuspect(
  db: Knex,
  claim: { turnId: string; key: string; over: number | null; deaths: number },
): Promise<boolean> {
  const rows = await rowsOf(
    db,
    `select 1 from ai.copilot_turn_claims
     where turn_id = ? and key = ?
       and deaths + (holder is not null and epoch is distinct from ?::int)::int >= ?::int`,
    [claim.turnId, claim.key, claim.over, claim.deaths],
  );
  return rows.length > 0;
}

/**
 * Counts a failure of the call itself (its worker lived) and ends the claim. Returns how often the call has failed and
 * since when; null when the claim no longer holds.
 */
export async function recordFailure(
  db: Knex,
  fence: Fence,
): Promise<{ failures: number; sinceMs: number } | null> {
  const rows = await rowsOf<{ failures: number; since_ms: number }>(
    db,
    `update ai.copilot_turn_claims
     set model_failures = model_failures + 1, failing_since = coalesce(failing_since, clock_timestamp()), holder = null
     where turn_id = ? and key = ? and epoch = ?
     returning model_failures as failures,
       extract(epoch from clock_timestamp() - failing_since)::float8 * 1000 as since_ms`,
    [fence.turnId, fence.key, fence.epoch],
  );
  return rows[0] ? { failures: rows[0].failures, sinceMs: rows[0].since_ms } : null;
}

/** Begins the counts of a call again: another model makes it now, and the earlier model's failures are not its own. */
export async function forgetFailures(trx: Knex, fence: Fence): Promise<void> {
  await trx.raw(
    `update ai.copilot_turn_claims set model_failures = 0, failing_since = null, deaths = 0, lost_holder = null
     where turn_id = ? and key = ?`,
    [fence.turnId, fence.key],
  );
}

/** Ends a claim that has nothing to store: its holder was not lost. */
export async function releaseClaim(db: Knex, fence: Fence): Promise<void> {
  await db.raw(
    'update ai.copilot_turn_claims set holder = null where turn_id = ? and key = ? and epoch = ?',
    [fence.turnId, fence.key, fence.epoch],
  );
}
