/**
 * Checks that the connected Temporal namespace is the one that runs this database's turns. In another namespace no turn
 * would be found, and every turn would look lost.
 */
import type { ConnectionLike } from '@temporalio/client';
import type { Knex } from 'knex';
import { recordTemporalIdentity, replaceTemporalIdentity } from './temporal-record.ts';
import type { Config } from '../../runtime/config.ts';
import type { Logger } from '../../runtime/logger.ts';

const ASK_DEADLINE_MS = 1_500;
const LOG_EVERY_MS = 60_000;

/** Thrown by a worker that would poll another namespace than its database records. */
export class ForeignNamespaceError extends Error {
  readonly code = 'FOREIGN_NAMESPACE';
}

export interface TemporalIdentity {
  /**
   * Compares Temporal's namespace id with the recorded one. Returns null when they are equal, else a sentence that names
   * both ids and says what to do. Throws the error of Temporal or the database when one does not answer.
   */
  verify(): Promise<string | null>;
  /** Like `verify`, but returns null at once when the last comparison found equal ids. */
  ensure(): Promise<string | null>;
  /** The result of the last comparison, without asking. Null also when there was no comparison yet. */
  lastProblem(): string | null;
}

export function createTemporalIdentity(options: {
  db: Knex;
  connection: Pick<ConnectionLike, 'workflowService' | 'withDeadline'>;
  config: Pick<Config, 'databaseUrl' | 'temporal'>;
  logger: Logger;
}): TemporalIdentity {
  const { db, connection, logger } = options;
  const { namespace, address } = options.config.temporal;
  // When the embedded Temporal's files are removed, its namespace gets a new id. No setting can be wrong then.
  const isEmbedded = options.config.databaseUrl === undefined && address === undefined;
  let isVerified = false;
  let problem: string | null = null;
  let loggedAt = -Infinity;

  const verify = async (): Promise<string | null> => {
    const { namespaceInfo } = await connection.withDeadline(Date.now() + ASK_DEADLINE_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    const found = { namespace, namespaceId: namespaceInfo?.id || namespace };
    const recorded = await recordTemporalIdentity(db, found);
    const fits = recorded.namespaceId === found.namespaceId;
    if (!fits && isEmbedded) {
      await replaceTemporalIdentity(db, found);
      logger.warn(
        { recorded, found },
        'the embedded Temporal is new; the running turns of the old one are lost',
      );
    }
    isVerified = fits || isEmbedded;
    problem = isVerified
      ? null
      : `The turns of this database belong to the Temporal namespace "${recorded.namespace}" with the id ${recorded.namespaceId}, but the service is connected to "${namespace}" with the id ${found.namespaceId}: an operator must correct TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, or record the new id as docs/runbook.md says.`;
    if (problem !== null && performance.now() - loggedAt > LOG_EVERY_MS) {
      loggedAt = performance.now();
      logger.error({ recorded, found }, problem);
    }
    return problem;
  };

  return {
    verify,
    ensure: async () => (isVerified ? null : verify()),
    lastProblem: () => problem,
  };
}
