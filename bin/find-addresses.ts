/** Where a single role finds its Postgres and Temporal: the environment, else the running stack of the data folder. */
import type { Config } from '../runtime/config.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { findRunningStack } from '../stack/data-folder.ts';

/** Throws FriendlyError when neither the environment nor a running stack tells. */
export function findAddresses(config: Config): { databaseUrl: string; temporalAddress: string } {
  const { databaseUrl, temporal } = config;
  if (databaseUrl !== undefined && temporal.address !== undefined)
    return { databaseUrl, temporalAddress: temporal.address };
  const stack = findRunningStack(config.dataDir);
  if (!stack) {
    const missing = [
      databaseUrl === undefined ? 'DATABASE_URL' : '',
      temporal.address === undefined ? 'TEMPORAL_ADDRESS' : '',
    ];
    throw new FriendlyError(
      `${missing.filter(Boolean).join(' and ')} not set, and no stack is running on ${config.dataDir}. Run \`npm run stack\` (or \`npm start\`) in another terminal first, or set the addresses.`,
    );
  }
  return {
    databaseUrl: databaseUrl ?? stack.database_url,
    temporalAddress: temporal.address ?? stack.temporal_address,
  };
}
