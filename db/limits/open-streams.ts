/**
 * Counts the open event streams of each principal in each API process. The row of a process holds for the time of a lease,
 * which the process renews, so the streams of a killed process soon count no more.
 */
import type { Knex } from 'knex';
import type { Limit } from '../../runtime/config.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { type LimitError, limitReached } from './limit-error.ts';
import { lockLimit } from './limit-lock.ts';

/** How long the streams of a process count without a sign of the process. */
export const STREAM_LEASE_SECONDS = 10;
const RETRY_SECONDS = 5;

/** The error of a stream beyond the limit. */
export function tooManyStreams(scope: keyof Limit, atMost: number): LimitError {
  return limitReached({ scope, atMost, what: 'open streams' }, RETRY_SECONDS);
}

/** The streams of a principal in a process. The principal is '' for service tokens without a subject. */
export interface OpenStreams {
  principal: string;
  process: string;
  streams: number;
}

/**
 * Writes the streams of a principal in a process, one of which is new. Throws LimitError, and writes nothing, when the new
 * one is too many in all processes.
 */
export async function takeStream(db: Knex, open: OpenStreams, limit: Limit): Promise<void> {
  const { principal, process, streams } = open;
  const total = limit.total > 0;
  await db.transaction(async (trx) => {
    await lockLimit(trx, { name: 'streams', principal, total });
    const [others] = await rowsOf<{ own: number; everyone: number }>(
      trx,
      `select coalesce(sum(streams) filter (where principal = ?), 0)::int as own, coalesce(sum(streams), 0)::int as everyone
       from ai.copilot_open_streams
       where expires_at > clock_timestamp() and not (principal = ? and process = ?) ${total ? '' : 'and principal = ?'}`,
      [principal, principal, process, ...(total ? [] : [principal])],
    );
    if (limit.own > 0 && principal !== '' && others!.own + streams > limit.own)
      throw tooManyStreams('own', limit.own);
    if (total && others!.everyone + streams > limit.total) throw tooManyStreams('total', limit.total);
    await writeStreams(trx, open);
  });
}

/** Writes how many streams of a principal are open in a process. */
export async function writeStreams(db: Knex, { principal, process, streams }: OpenStreams): Promise<void> {
  if (streams === 0) {
    await db.raw('delete from ai.copilot_open_streams where principal = ? and process = ?', [
      principal,
      process,
    ]);
    return;
  }
  await db.raw(
    `insert into ai.copilot_open_streams (principal, process, streams, expires_at)
     values (?, ?, ?, clock_timestamp() + make_interval(secs => ${STREAM_LEASE_SECONDS}))
     on conflict (principal, process) do update set streams = excluded.streams, expires_at = excluded.expires_at`,
    [principal, process, streams],
  );
}

/** Renews the lease of a process. Returns the rows that the process has. */
export async function renewStreams(
  db: Knex,
  process: string,
): Promise<Pick<OpenStreams, 'principal' | 'streams'>[]> {
  return rowsOf(
    db,
    `update ai.copilot_open_streams
     set expires_at = clock_timestamp() + make_interval(secs => ${STREAM_LEASE_SECONDS})
     where process = ? returning principal, streams`,
    [process],
  );
}

/** Deletes the rows of a process that ends. */
export async function deleteStreams(db: Knex, process: string): Promise<void> {
  await db.raw('delete from ai.copilot_open_streams where process = ?', [process]);
}
