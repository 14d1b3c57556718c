/** Finds Postgres and Temporal for a single role: in the environment, else in the running stack of the data folder. */
import type { Config } from '../runtime/config.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { findRunningStack, type ReadyFile } from '../stack/data-folder.ts';

export interface Addresses {
  databaseUrl: string;
  temporalAddress: string;
  /** Null when nobody says where the Temporal UI is. */
  temporalUi: string | null;
}

/** All addresses. Throws FriendlyError when neither the environment nor a running stack has them. */
export function findAddresses(config: Config): Addresses {
  const { temporal } = config;
  if (config.databaseUrl !== undefined && temporal.address !== undefined)
    return {
      databaseUrl: config.databaseUrl,
      temporalAddress: temporal.address,
      temporalUi: temporal.uiUrl ?? null,
    };
  const stack = requireStack(config, [
    config.databaseUrl === undefined ? 'DATABASE_URL' : '',
    temporal.address === undefined ? 'TEMPORAL_ADDRESS' : '',
  ]);
  return {
    databaseUrl: config.databaseUrl ?? stack.database_url,
    temporalAddress: temporal.address ?? stack.temporal_address,
    temporalUi: temporal.uiUrl ?? (temporal.address === undefined ? stack.temporal_ui : null),
  };
}

/** The database's URL. Throws FriendlyError when neither the environment nor a running stack has it. */
export function findDatabase(config: Config): string {
  return config.databaseUrl ?? requireStack(config, ['DATABASE_URL']).database_url;
}

/** The address of Temporal. Throws FriendlyError when neither the environment nor a running stack has it. */
export function findTemporal(config: Config): string {
  return config.temporal.address ?? requireStack(config, ['TEMPORAL_ADDRESS']).temporal_address;
}

function requireStack(config: Config, missing: readonly string[]): ReadyFile {
  const stack = findRunningStack(config.dataDir);
  if (stack) return stack;
  throw new FriendlyError(
    `${missing.filter(Boolean).join(' and ')} not set, and no stack is running on ${config.dataDir}. Run \`npm run stack\` (or \`npm start\`) in another terminal first, or set the addresses.`,
  );
}
