/** Starts the stack of a data folder: Postgres and Temporal, each embedded unless the configuration names a server. */
import { codeOf } from '../contracts/thrown-codes.ts';
import { migrateDatabase } from '../db/schema/migrate.ts';
import { seedSampleProject } from '../db/schema/seed.ts';
import type { Config } from '../runtime/config.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Shutdown } from '../runtime/shutdown.ts';
import { startPostgres } from './postgres.ts';
import type { SupervisedProcess } from './supervised-process.ts';
import { startTemporalCluster } from './temporal-cluster.ts';
import { startTemporal } from './temporal.ts';

/** The time to stop a server: longer than the escalation of its stop signals. */
const SERVER_STOP_MS = 4_000;

export interface Stack {
  databaseUrl: string;
  temporalAddress: string;
  /** TEMPORAL_UI_URL, or the UI of the embedded dev server; null when there is neither. */
  temporalUi: string | null;
  /** The id of the sample workflow; null when it does not exist or the database is not embedded. */
  workflowId: string | null;
}

/**
 * Starts the embedded servers, runs the migrations, and creates the sample project in an embedded database. Throws
 * FriendlyError.
 */
export async function startStack(options: {
  config: Config;
  folder: string;
  env: Record<string, string | undefined>;
  shutdown: Shutdown;
  logger: Logger;
}): Promise<Stack> {
  const { config, folder, shutdown } = options;
  const stopWith = (name: string) => (stop: () => Promise<void>) => shutdown.add(name, stop, SERVER_STOP_MS);
  const watch = ({ gaveUp }: SupervisedProcess): void => {
    void gaveUp.then((error) => shutdown.exit(1, error.message));
  };

  if (config.embeddedTemporal === 'cluster') requireEmbedded(config);
  const server = config.databaseUrl === undefined ? startPostgres(folder, stopWith('Postgres')) : null;
  const database = async (): Promise<Pick<Stack, 'databaseUrl' | 'workflowId'>> => {
    if (server === null) {
      await migrate(config.databaseUrl!, options.logger);
      return { databaseUrl: config.databaseUrl!, workflowId: null };
    }
    const postgres = await server;
    watch(postgres.process);
    await migrate(postgres.databaseUrl, options.logger);
    return { databaseUrl: postgres.databaseUrl, workflowId: await seedSampleProject(postgres) };
  };
  const temporal = async (): Promise<Pick<Stack, 'temporalAddress' | 'temporalUi'>> => {
    const { namespace, address } = config.temporal;
    if (address !== undefined) return { temporalAddress: address, temporalUi: null };
    if (config.embeddedTemporal === 'cluster') {
      const cluster = await startTemporalCluster({
        folder,
        namespace,
        shards: config.clusterShards,
        databaseUrl: async () => (await server!).databaseUrl,
        env: options.env,
        onStart: stopWith('Temporal'),
      });
      watch(cluster.process);
      return { temporalAddress: cluster.address, temporalUi: null };
    }
    const devServer = await startTemporal(folder, namespace, options.env, stopWith('Temporal'));
    watch(devServer.process);
    return { temporalAddress: devServer.address, temporalUi: devServer.uiUrl };
  };
  // Awaits both even when one fails, so that the other one has registered its stop before the failure is thrown.
  const [left, right] = await Promise.allSettled([database(), temporal()]);
  if (left.status === 'rejected') throw left.reason;
  if (right.status === 'rejected') throw right.reason;
  const { temporalAddress, temporalUi } = right.value;
  return { ...left.value, temporalAddress, temporalUi: config.temporal.uiUrl ?? temporalUi };
}

/** The cluster keeps its databases on the embedded Postgres. */
function requireEmbedded(config: Config): void {
  if (config.databaseUrl === undefined && config.temporal.address === undefined) return;
  throw new FriendlyError(
    'The embedded Temporal cluster runs with the embedded Postgres: unset DATABASE_URL and TEMPORAL_ADDRESS, or COPILOT_EMBEDDED_TEMPORAL.',
  );
}

async function migrate(databaseUrl: string, logger: Logger): Promise<void> {
  try {
    await migrateDatabase({ databaseUrl, logger });
  } catch (error: unknown) {
    const code = codeOf(error);
    if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === '28P01' || code === '3D000') {
      throw new FriendlyError(
        `The database of DATABASE_URL can't be used (${code}). Check that it runs, and the user, password and database name in the URL.`,
        { cause: error },
      );
    }
    if (code === '42501') {
      throw new FriendlyError(
        'The login of DATABASE_URL may not change the schema, and migrations are missing. Run `npm run migrate` with the login of the owner first (docs/postgres-role.md).',
        { cause: error },
      );
    }
    throw error;
  }
}
