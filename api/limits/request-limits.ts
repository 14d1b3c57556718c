/** The limits of requests that the routes and the middleware ask. Limits of starting turns are in api/turns/. */
import type { Knex } from 'knex';
import { countBody } from '../../db/limits/body-bytes.ts';
import { pruneCounts } from '../../db/limits/prune-counts.ts';
import type { Limits } from '../../runtime/config.ts';
import type { Logger } from '../../runtime/logger.ts';
import { createStreamSlots, type StreamSlots } from './stream-slots.ts';

const PRUNE_EVERY_MS = 60_000;

export interface RequestLimits {
  streams: Pick<StreamSlots, 'take'>;
  /** Counts the bytes of a body. Throws LimitError. */
  countBody(principal: string | null, bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Creates the limits of a process. The caller closes `db` after them. */
export function createRequestLimits(options: { db: Knex; limits: Limits; logger: Logger }): RequestLimits {
  const { db, limits, logger } = options;
  const streams = createStreamSlots({ db, limit: limits.streams, logger });
  const pruner = setInterval(() => {
    pruneCounts(db).catch((error: unknown) => logger.debug({ err: error }, 'old counts were not deleted'));
  }, PRUNE_EVERY_MS).unref();
  return {
    streams,
    countBody: (principal, bytes) => countBody(db, { principal, bytes }, limits.bodyBytesPerMinute),
    async close() {
      clearInterval(pruner);
      await streams.close();
    },
  };
}
