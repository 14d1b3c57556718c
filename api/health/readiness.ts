import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import { migrationsCurrent } from '../../db/migrate.ts';
import { answeredWithin } from '../../db/pg-errors.ts';
import { READINESS_MS } from '../../runtime/bounds.ts';

/** Checks Postgres, its migrations and Temporal side by side. Never throws; takes two seconds at most. */
export function createReadiness(options: {
  db: Knex;
  client: Client;
  namespace: string;
}): () => Promise<{ ok: boolean; problems: string[] }> {
  const postgres = async (): Promise<string[]> => {
    try {
      const current = await answeredWithin(READINESS_MS, migrationsCurrent(options.db));
      return current ? [] : ['the database lacks migrations; `npm run stack` or `npm start` runs them'];
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
  return async () => {
    const problems = (await Promise.all([postgres(), temporal()])).flat();
    return { ok: problems.length === 0, problems };
  };
}
