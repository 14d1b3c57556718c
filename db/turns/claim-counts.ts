/** Counts on a claim the failures of its call, and the workers that were lost with the call. */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';
import type { Fence } from '../fence.ts';

/**
 * Whether at least `deaths` workers were lost with the call of this key. It is asked before the call is claimed again, so a
 * holder that has not reported its end counts too. `over` is the epoch of the last claim whose end was reported to Temporal.
 */
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
 * Counts a failure of the call itself and ends the claim. Returns how often the call has failed and how long ago it first
 * failed; null when the claim no longer holds.
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

/** Resets the counts of a call, because another model makes the call now. */
export async function forgetFailures(trx: Knex, fence: Fence): Promise<void> {
  await trx.raw(
    `update ai.copilot_turn_claims set model_failures = 0, failing_since = null, deaths = 0, lost_holder = null
     where turn_id = ? and key = ?`,
    [fence.turnId, fence.key],
  );
}

/** Ends a claim without a result, so that the claim does not count as a death. */
export async function releaseClaim(db: Knex, fence: Fence): Promise<void> {
  await db.raw(
    'update ai.copilot_turn_claims set holder = null where turn_id = ? and key = ? and epoch = ?',
    [fence.turnId, fence.key, fence.epoch],
  );
}
