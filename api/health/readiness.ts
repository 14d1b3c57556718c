import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import { migrationsCurrent } from '../../db/schema/migrate.ts';
import { answeredWithin } from '../../db/connection/pg-errors.ts';
import type { TemporalIdentity } from '../../db/temporal/temporal-identity.ts';
import { READINESS_MS } from '../../runtime/bounds.ts';

/**
 * Checks Postgres, its migrations, Temporal, and whether both servers belong together. The checks run in parallel, never
 * throw and take at most two seconds.
 */
export function createReadiness(options: {
  db: Knex;
  client: Client;
  namespace: string;
  identity: Pick<TemporalIdentity, 'verify'>;
}): () => Promise<{ ok: boolean; problems: string[] }> {
  const postgres = async (): Promise<string[]> => {
    try {
      const current = await answeredWithin(READINESS_MS, migrationsCurrent(options.db));
      return current ? [] : ['the database lacks migrations; `npm run migrate` runs them'];
    } catch {
      return ['Postgres is not reachable'];
    }
  };
  const temporal = async (): Promise<string[]> => {
    try {
      await options.client.withDeadline(Date.now() + READINESS_MS, () =>
        options.client.workflowService.describeNamespace({ namespace: options.namespace }),
      );
      return [];
    } catch {
      return ['Temporal is not reachable, or has no such namespace'];
    }
  };
  const namespace = async (): Promise<string[]> => {
    try {
      const problem = await answeredWithin(READINESS_MS, options.identity.verify());
      return problem === null ? [] : [problem];
    } catch {
      // One of the two servers is away. The other checks report that.
      return [];
    }
  };
  return async () => {
    const problems = (await Promise.all([postgres(), temporal(), namespace()])).flat();
    return { ok: problems.length === 0, problems };
  };
}
