/** The embedded Temporal dev server. docs/decisions/0003-dev-server-tuning.md has the measurements behind its settings. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/names.ts';
import { explainFileError, FriendlyError } from '../runtime/friendly-error.ts';
import { CLUSTER_FILE, DEV_SERVER_FILE } from './data-folder.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { choosePort } from './ports.ts';
import {
  findOrphan,
  type ProcessSpec,
  type SupervisedProcess,
  superviseProcess,
} from './supervised-process.ts';
import { findTemporalBinary } from './temporal-binary.ts';

// By default a shard polls its queues 20 times a second, and every step of a workflow waits for the next poll.
const POLL_RPS = 2_000;
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': POLL_RPS,
  'history.transferProcessorMaxPollHostRPS': POLL_RPS,
  'history.timerProcessorMaxPollRPS': POLL_RPS,
  'history.timerProcessorMaxPollHostRPS': POLL_RPS,
  'system.enableActivityEagerExecution': true,
  'system.enableEagerWorkflowStart': true,
  // Without these two, the tasks of all principals are in one queue, and the first burst is served to its end.
  'matching.useNewMatcher': true,
  'matching.enableFairness': true,
} as const;
// A killed process loses no data. A power cut may lose the last events; activities then find their results in Postgres.
const SQLITE_PRAGMAS = { journal_mode: 'WAL', synchronous: 'NORMAL' } as const;

interface Settings {
  port: number;
  uiPort: number;
}

export interface EmbeddedTemporal {
  address: string;
  uiUrl: string;
  process: SupervisedProcess;
}

/** Starts or adopts the dev server of a data folder. Throws FriendlyError. */
export async function startTemporal(
  folder: string,
  namespace: string,
  env: Record<string, string | undefined>,
  onStart: ProcessSpec['onStart'],
): Promise<EmbeddedTemporal> {
  if (existsSync(join(folder, CLUSTER_FILE)))
    throw new FriendlyError(
      `The data folder ${folder} belongs to a Temporal cluster (npm run cluster), which holds its turns. Name another folder with COPILOT_DATA_DIR.`,
    );
  const settingsFile = join(folder, DEV_SERVER_FILE);
  const pidFile = join(folder, 'temporal.pid.json');
  const known = readJsonFile<Settings>(settingsFile);
  const adopt = known !== null && findOrphan(pidFile) !== null;
  const settings: Settings = {
    port: adopt ? known.port : await choosePort(known?.port),
    uiPort: adopt ? known.uiPort : await choosePort(known?.uiPort),
  };
  try {
    const command = await findTemporalBinary(env);
    writeJsonFile(settingsFile, settings);
    const address = `127.0.0.1:${settings.port}`;
    const supervised = await superviseProcess({
      name: 'Temporal',
      command,
      args: [
        'server',
        'start-dev',
        '--ip',
        '127.0.0.1',
        '--port',
        String(settings.port),
        '--ui-port',
        String(settings.uiPort),
        '--db-filename',
        join(folder, 'temporal.db'),
        '--log-level',
        'warn',
        ...(namespace === 'default' ? [] : ['--namespace', namespace]),
        ...Object.entries(SQLITE_PRAGMAS).flatMap(([key, value]) => ['--sqlite-pragma', `${key}=${value}`]),
        ...Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => [
          '--dynamic-config-value',
          `${key}=${value}`,
        ]),
        ...Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      ],
      pidFile,
      logFile: join(folder, 'temporal.log'),
      isReady: () => isServing(address, namespace),
      stopSignals: [['SIGTERM', 1_500]],
      onStart,
    });
    return { address, uiUrl: `http://127.0.0.1:${settings.uiPort}`, process: supervised };
  } catch (error: unknown) {
    if (error instanceof FriendlyError) throw error;
    return explainFileError(error, folder);
  }
}

async function isServing(address: string, namespace: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    await connection.withDeadline(Date.now() + 1_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return true;
  } finally {
    await connection.close();
  }
}
