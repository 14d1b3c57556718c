/**
 * The limits of starting turns. All counts are in the database, so they hold over all API processes: running turns are the
 * open rows of the turns table, chats of the last minute are in a log of their own, which a deleted session leaves alone.
 */
import type { Knex } from 'knex';
import type { Limit, Limits } from '../../runtime/config.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { limitReached } from './limit-error.ts';
import { lockLimit } from './limit-lock.ts';

export type StartLimits = Pick<Limits, 'chatsPerMinute' | 'runningTurns'>;

/** Who wants to start a turn, and where. `principal` is null for a service token without a subject. */
export interface Starter {
  principal: string | null;
  sessionId: string;
}

interface Check {
  limit: keyof StartLimits;
  scope: keyof Limit;
  atMost: number;
}

const WHAT: Readonly<Record<keyof StartLimits, string>> = {
  chatsPerMinute: 'chats a minute',
  runningTurns: 'turns at once',
};
/** Nobody knows when a turn ends. */
const RUNNING_RETRY_SECONDS = 5;

/** The limits that apply to a start. */
function checksOf(limits: StartLimits, { principal }: Pick<Starter, 'principal'>): Check[] {
  return (['chatsPerMinute', 'runningTurns'] as const).flatMap((limit) =>
    (['own', 'total'] as const)
      .map((scope) => ({ limit, scope, atMost: limits[limit][scope] }))
      .filter(({ scope, atMost }) => atMost > 0 && (scope === 'total' || principal !== null)),
  );
}

/** Throws LimitError when a start would be refused now. Takes no lock, so the start itself must be checked as well. */
export async function requireRoomToStart(db: Knex, limits: StartLimits, starter: Starter): Promise<void> {
  const checks = checksOf(limits, starter);
  if (checks.length > 0) await requireNoneReached(db, checks, starter);
}

/**
 * Returns the function that counts a start, in the transaction that inserts the turn's row. It throws LimitError when there
 * is no room, and the transaction must then be rolled back. Null when no limit applies.
 */
export function admitterOf(
  limits: StartLimits,
  starter: Starter,
): ((trx: Knex, turnId: string) => Promise<void>) | null {
  const checks = checksOf(limits, starter);
  if (checks.length === 0) return null;
  return async (trx, turnId) => {
    await lockLimit(trx, {
      name: 'starts',
      principal: starter.principal,
      total: checks.some(({ scope }) => scope === 'total'),
    });
    await requireNoneReached(trx, checks, starter);
    if (checks.some(({ limit }) => limit === 'chatsPerMinute'))
      await trx.raw('insert into ai.copilot_chat_starts (turn_id, principal) values (?, ?)', [
        turnId,
        starter.principal,
      ] as Knex.RawBinding[]);
  };
}

async function requireNoneReached(db: Knex, checks: readonly Check[], starter: Starter): Promise<void> {
  const parts = checks.map((check) => CHECK_SQL[check.limit](check, starter));
  const [reached] = await rowsOf<{ n: number; wait: number }>(
    db,
    parts
      .map(({ sql }, index) => `(select ${index} as n, wait from (${sql}) as c${index})`)
      .join(' union all '),
    parts.flatMap(({ bindings }) => bindings),
  );
  if (!reached) return;
  const { limit, scope, atMost } = checks[reached.n]!;
  throw limitReached({ scope, atMost, what: WHAT[limit] }, reached.wait);
}

/** Queries with one row, the seconds to wait, when a limit is reached, else none. */
const CHECK_SQL: Readonly<
  Record<keyof StartLimits, (check: Check, starter: Starter) => { sql: string; bindings: unknown[] }>
> = {
  chatsPerMinute: ({ scope, atMost }, { principal }) => ({
    sql: `select extract(epoch from started_at + interval '1 minute' - clock_timestamp())::float8 as wait
      from ai.copilot_chat_starts where ${scope === 'own' ? 'principal = ? and' : ''}
        started_at > clock_timestamp() - interval '1 minute'
      order by started_at desc offset ? limit 1`,
    bindings: [...(scope === 'own' ? [principal] : []), atMost - 1],
  }),
  // The session's own turns are left out: while one of them runs, the chat is answered 409.
  runningTurns: ({ scope, atMost }, { principal, sessionId }) => ({
    sql: `select ${RUNNING_RETRY_SECONDS}::float8 as wait from ai.copilot_turns
      where ${scope === 'own' ? 'principal = ? and' : ''} status in ('starting', 'running') and session_id <> ?
      offset ? limit 1`,
    bindings: [...(scope === 'own' ? [principal] : []), sessionId, atMost - 1],
  }),
};
