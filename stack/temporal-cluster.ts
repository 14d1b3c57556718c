/**
 * The production Temporal server as part of the embedded stack: all of its services in one process, its data and its
 * visibility in databases of their own on the embedded Postgres. Its dynamic configuration is the server's default.
 */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { explainFileError, FriendlyError } from '../runtime/friendly-error.ts';
import { findClusterBinaries } from './cluster-binaries.ts';
import { isServingAll, prepareNamespace } from './cluster-namespace.ts';
import { writeClusterConfig } from './cluster-config.ts';
import { CLUSTER_FILE, DEV_SERVER_FILE } from './data-folder.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { isPortFree } from './ports.ts';
import { runProgram } from './program-cache.ts';
import {
  findOrphan,
  type ProcessSpec,
  type SupervisedProcess,
  superviseProcess,
} from './supervised-process.ts';

const DATABASES = { temporal: 'temporal', temporal_visibility: 'visibility' } as const;
/** The gRPC and the membership port of each of the four services. */
const PORTS = 8;
/** The range of the ports. The server keeps them in a column that ends at 32767; the system's own choices begin there. */
const [FIRST_PORT, LAST_PORT] = [10_000, 32_767];

interface Settings {
  ports: number[];
  shards: number;
}

export interface TemporalCluster {
  address: string;
  process: SupervisedProcess;
}

/**
 * Starts or adopts the cluster of a data folder, and creates the namespace and its search attributes. Throws FriendlyError,
 * also when the cluster was created with another number of shards, which can't be changed.
 */
export async function startTemporalCluster(options: {
  folder: string;
  namespace: string;
  shards: number;
  /** Resolves when the embedded Postgres runs. */
  databaseUrl: () => Promise<string>;
  env: Record<string, string | undefined>;
  onStart: ProcessSpec['onStart'];
}): Promise<TemporalCluster> {
  const { folder, namespace, shards } = options;
  if (existsSync(join(folder, DEV_SERVER_FILE)))
    throw new FriendlyError(
      `The data folder ${folder} belongs to a Temporal dev server (npm start), which holds its turns. Name another folder with COPILOT_DATA_DIR.`,
    );
  const settingsFile = join(folder, CLUSTER_FILE);
  const pidFile = join(folder, 'temporal.pid.json');
  const known = readJsonFile<Settings>(settingsFile);
  if (known !== null && known.shards !== shards) {
    throw new FriendlyError(
      `The Temporal cluster in ${folder} was created with ${known.shards} shards, and a cluster keeps its number. Set COPILOT_CLUSTER_SHARDS=${known.shards}, or name another folder with COPILOT_DATA_DIR.`,
    );
  }
  try {
    const [binaries, databaseUrl] = await Promise.all([
      findClusterBinaries(options.env),
      options.databaseUrl(),
    ]);
    const orphan = findOrphan(pidFile);
    const settings: Settings = {
      ports: known !== null && orphan !== null ? known.ports : await choosePorts(known?.ports ?? []),
      shards,
    };
    writeJsonFile(settingsFile, settings);
    const configFolder = join(folder, 'temporal-cluster');
    mkdirSync(configFolder, { recursive: true, mode: 0o700 });
    writeClusterConfig(configFolder, { ...settings, databaseUrl });
    if (orphan === null) await setUpDatabases(binaries.sqlTool, databaseUrl);
    const address = `127.0.0.1:${settings.ports[0]}`;
    const supervised = await superviseProcess({
      name: 'Temporal',
      command: binaries.server,
      args: [
        '--root',
        folder,
        '--config',
        'temporal-cluster',
        '--env',
        'production',
        '--allow-no-auth',
        'start',
      ],
      pidFile,
      logFile: join(folder, 'temporal.log'),
      isReady: () => isServingAll(address),
      stopSignals: [['SIGTERM', 2_500]],
      onStart: options.onStart,
    });
    await prepareNamespace(address, namespace);
    return { address, process: supervised };
  } catch (error: unknown) {
    if (error instanceof FriendlyError) throw error;
    return explainFileError(error, folder);
  }
}

async function choosePorts(wanted: readonly number[]): Promise<number[]> {
  const chosen = new Set<number>();
  const candidates = [...wanted];
  while (chosen.size < PORTS) {
    const port = candidates.shift() ?? randomInt(FIRST_PORT, LAST_PORT + 1);
    if (await isPortFree(port)) chosen.add(port);
  }
  return [...chosen];
}

/** Creates the databases and brings their schemas to the server's version. Does nothing where they are current. */
async function setUpDatabases(tool: string, databaseUrl: string): Promise<void> {
  const { hostname, port, username, password } = new URL(databaseUrl);
  // The tool takes the login from the environment: a command line can be read by every user of the machine.
  const login = { SQL_PLUGIN: 'postgres12', SQL_HOST: hostname, SQL_PORT: port, SQL_USER: username };
  for (const [database, schema] of Object.entries(DATABASES)) {
    const env = { ...login, SQL_PASSWORD: password, SQL_DATABASE: database };
    const run = async (...args: string[]): Promise<void> => {
      await runProgram(tool, args, { env }).catch((error: unknown) => {
        throw new FriendlyError(
          `The database ${database} of Temporal could not be set up (${args[0]}):\n${(error as Error).message}`,
          { cause: error },
        );
      });
    };
    await run('create-database', '--defaultdb', 'postgres');
    await run('setup-schema', '--version', '0.0');
    await run('update-schema', '--schema-name', `postgresql/v12/${schema}`);
  }
}
