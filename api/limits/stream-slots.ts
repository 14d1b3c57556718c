/**
 * The places of event streams in this process. The counts in memory are the truth; the database gets them so that all
 * processes together keep the limit. What could not be written is written with the next renewal of the lease.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { inLane } from '../../db/connection/lanes.ts';
import {
  deleteStreams,
  renewStreams,
  STREAM_LEASE_SECONDS,
  takeStream,
  tooManyStreams,
  writeStreams,
} from '../../db/limits/open-streams.ts';
import type { Limit } from '../../runtime/config.ts';
import type { Logger } from '../../runtime/logger.ts';

const RENEW_MS = (STREAM_LEASE_SECONDS * 1_000) / 3;

export interface StreamSlots {
  /**
   * Takes a place. Returns the function that gives the place back; null when the principal's streams are not counted.
   * Throws LimitError when there is no place.
   */
  take(principal: string | null): Promise<(() => void) | null>;
  /** Forgets the places of this process. */
  close(): Promise<void>;
}

/** Creates the places of a process. */
export function createStreamSlots(options: { db: Knex; limit: Limit; logger: Logger }): StreamSlots {
  const { db, limit, logger } = options;
  const process = randomUUID();
  const counts = new Map<string, number>();
  /** How many streams wait for their place, by principal. */
  const waiting = new Map<string, number>();
  /** The principals whose row may not be as the count is. */
  const stale = new Set<string>();
  let writing: Promise<void> | null = null;

  const isCounted = (principal: string | null): boolean =>
    limit.total > 0 || (limit.own > 0 && principal !== null);
  // Writes of one row must not overtake each other.
  const inOrder = <T>(principal: string, work: () => Promise<T>): Promise<T> =>
    inLane(db, `streams of ${principal}`, work);

  const writeStale = async (): Promise<void> => {
    for (const principal of stale) {
      stale.delete(principal);
      try {
        await inOrder(principal, () =>
          writeStreams(db, { principal, process, streams: counts.get(principal) ?? 0 }),
        );
      } catch (error: unknown) {
        stale.add(principal);
        logger.debug({ err: error }, 'open streams could not be counted; the next renewal counts them');
        return;
      }
    }
  };
  const flush = (): void => {
    writing ??= writeStale().finally(() => (writing = null));
  };
  const release = (principal: string): void => {
    const left = (counts.get(principal) ?? 1) - 1;
    if (left === 0) counts.delete(principal);
    else counts.set(principal, left);
    stale.add(principal);
    flush();
  };
  const renew = async (): Promise<void> => {
    if (counts.size === 0 && stale.size === 0) return;
    try {
      const rows = new Map(
        (await renewStreams(db, process)).map(({ principal, streams }) => [principal, streams]),
      );
      for (const principal of new Set([...rows.keys(), ...counts.keys()]))
        if ((rows.get(principal) ?? 0) !== (counts.get(principal) ?? 0)) stale.add(principal);
    } catch (error: unknown) {
      logger.debug({ err: error }, 'the lease of open streams could not be renewed; it is tried again');
    }
    flush();
  };
  const timer = setInterval(() => void renew(), RENEW_MS).unref();

  return {
    async take(subject) {
      if (!isCounted(subject)) return null;
      const principal = subject ?? '';
      const before = waiting.get(principal) ?? 0;
      // A burst beyond the limit of one principal is refused here, so that it does not queue up for the database.
      if (subject !== null && limit.own > 0 && (counts.get(principal) ?? 0) + before >= limit.own)
        throw tooManyStreams('own', limit.own);
      waiting.set(principal, before + 1);
      try {
        await inOrder(principal, async () => {
          await takeStream(db, { principal, process, streams: (counts.get(principal) ?? 0) + 1 }, limit);
          counts.set(principal, (counts.get(principal) ?? 0) + 1);
        });
      } finally {
        const left = waiting.get(principal)! - 1;
        if (left === 0) waiting.delete(principal);
        else waiting.set(principal, left);
      }
      let isTaken = true;
      return () => {
        if (isTaken) release(principal);
        isTaken = false;
      };
    },
    async close() {
      clearInterval(timer);
      await writing;
      await deleteStreams(db, process);
    },
  };
}
