/** One instance of the service: an API and a worker on a database of their own, reached over HTTP. */
import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { startApi } from '../../api/run-api.ts';
import { type CopilotClient, createCopilotClient } from '../../client/src/index.ts';
import { createKnex } from '../../db/connection/knex.ts';
import { loadConfig } from '../../runtime/config.ts';
import { createLogger } from '../../runtime/logger.ts';
import { mintServiceKey } from '../../stack/jwt-secret.ts';
import { startWorker } from '../../worker/run-worker.ts';

export interface Instance {
  client: CopilotClient;
  db: Knex;
  stop(): Promise<void>;
}

export interface InstanceSettings {
  databaseUrl: string;
  temporalAddress: string;
  /** Settings of the service, beside its servers. */
  env: Readonly<Record<string, string | undefined>>;
  /** The model of all turns. */
  model: string;
}

/** Starts an instance. `installRuntime` must have been called. */
export async function startInstance(settings: InstanceSettings): Promise<Instance> {
  const { databaseUrl, temporalAddress, env, model } = settings;
  const config = loadConfig({
    ...env,
    PORT: '0',
    // Cases come faster than a person writes.
    COPILOT_LIMIT_CHATS_PER_MINUTE: '0',
    TEMPORAL_TASK_QUEUE: `eval-${randomBytes(6).toString('hex')}`,
  });
  const logger = createLogger({ level: 'error' });
  const jwtSecret = randomBytes(32);
  const common = { config, databaseUrl, temporalAddress, logger };
  const worker = await startWorker(common);
  const api = await startApi({ ...common, jwtSecret }).catch(async (error: unknown) => {
    await worker.stop();
    throw error;
  });
  const key = await mintServiceKey(jwtSecret);
  const client = createCopilotClient({ baseUrl: api.url, getToken: () => key });
  const db = createKnex({ databaseUrl, applicationName: 'eval', poolMax: 2 });
  const stop = async (): Promise<void> => {
    await api.close();
    await worker.stop();
    await db.destroy();
  };
  try {
    await client.settings.setModel(model);
  } catch (error: unknown) {
    await stop();
    throw error;
  }
  return { client, db, stop };
}
