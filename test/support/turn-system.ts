/** Runs whole turns through HTTP, with a real API, worker, Temporal and Postgres, and a fake provider. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import type { Knex } from 'knex';
import { startApi } from '../../api/run-api.ts';
import { type TurnEventName, turnEventSchemas } from '../../contracts/events.ts';
import { createKnex } from '../../db/connection/knex.ts';
import { type Config, loadConfig } from '../../runtime/config.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createMetrics } from '../../runtime/metrics/metrics.ts';
import { installRuntime, startWorker, type WorkerSettings } from '../../worker/run-worker.ts';
import { createTestDatabase } from './api-database.ts';
import { watchAnswers } from './description-check.ts';
import { type FakeProvider, type FakeRequest, type Script, startFakeProvider } from './fake-provider.ts';
import { signToken, TEST_SECRET } from './test-api.ts';

const ADDRESS = process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '';

export interface StreamedEvent {
  event: TurnEventName;
  seq?: number;
  [key: string]: unknown;
}

/** Returns the answer by the step (the number of tool results) and by `n`, which counts the requests with this message. */
export type ScriptOf = (step: number, n: number, request: FakeRequest) => Script;

export interface FinishedStream {
  events: StreamedEvent[];
  turnId: string;
  end: StreamedEvent;
  names: TurnEventName[];
  response: Response;
}

export interface TurnSystem {
  fake: FakeProvider;
  url: string;
  db: Knex;
  connection: Connection;
  headers: Record<string, string>;
  /** The scripts of the fake provider, by the first word of the message. */
  scripts: Map<string, ScriptOf>;
  call: (
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<{ status: number; body: Record<string, unknown> }>;
  newSession: () => Promise<{ id: string; workflowId: string }>;
  /** Sends a message and reads the whole stream. `onEvent` may act meanwhile. Checks the shape and seq of each event. */
  chat: (
    session: { id: string },
    body: object,
    onEvent?: (event: StreamedEvent, turnId: string) => Promise<void> | void,
  ) => Promise<FinishedStream>;
  stopApi(): Promise<void>;
  /** At the same address as before. */
  startApi(): Promise<void>;
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts everything. API and worker have the login of their least-privilege role. `env` adds to the configuration,
 * `forWorker` to the settings of each worker.
 */
export async function startTurnSystem(
  env: Record<string, string> = {},
  logger = createLogger({ level: 'silent' }),
  forWorker: (system: { url: string; config: Config }) => Partial<WorkerSettings> = () => ({}),
): Promise<TurnSystem> {
  const scripts = new Map<string, ScriptOf>();
  const counts = new Map<string, number>();
  const fake = await startFakeProvider((request) => {
    const { message, toolResults } = request;
    const n = (counts.get(message) ?? 0) + 1;
    counts.set(message, n);
    return scripts.get(message.split(' ')[0]!)?.(toolResults, n, request) ?? { text: ['Fine', '.'] };
  });
  const database = await createTestDatabase({ sqlTool: true });
  installRuntime(logger);
  const config = loadConfig({
    OPENAI_BASE_URL: fake.url,
    OPENAI_API: 'responses',
    PORT: '0',
    TEMPORAL_TASK_QUEUE: `chat-${randomUUID()}`,
    ...env,
  });
  const link = { temporalUi: config.temporal.uiUrl ?? null };
  // As in `npm start`, one page shows the API and the worker.
  const metrics = createMetrics({ runtime: false });
  const common = { config, databaseUrl: database.appUrl, temporalAddress: ADDRESS, logger, metrics };
  const workerSettings = () => ({ ...common, ...forWorker({ url: database.url, config }) });
  const [firstWorker, firstApi, connection] = await Promise.all([
    startWorker(workerSettings()),
    startApi({ ...common, jwtSecret: TEST_SECRET, ...link }),
    Connection.connect({ address: ADDRESS }),
  ]);
  const watch = watchAnswers(firstApi.port);
  let worker: typeof firstWorker | null = firstWorker;
  const { url, port } = firstApi;
  let api: typeof firstApi | null = firstApi;
  const db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 4 });
  const headers = { Authorization: `Bearer ${await signToken()}`, 'Content-Type': 'application/json' };

  const call: TurnSystem['call'] = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    };
  };

  return {
    fake,
    url,
    db,
    connection,
    headers,
    scripts,
    call,
    async newSession() {
      const workflow = await call('POST', '/api/workflows', { name: 'Flow' });
      const session = await call('POST', '/api/copilot/sessions', { workflow_id: workflow.body.id });
      return { id: String(session.body.id), workflowId: String(workflow.body.id) };
    },
    async chat(session, body, onEvent = () => undefined) {
      const response = await fetch(`${url}/api/copilot/sessions/${session.id}/chat`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      assert.equal(response.status, 200, response.status === 200 ? '' : await response.text());
      const turnId = response.headers.get('x-turn-id')!;
      const events: StreamedEvent[] = [];
      let rest = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body!) {
        rest += decoder.decode(chunk as Uint8Array, { stream: true });
        const blocks = rest.split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) {
          if (!block.startsWith('data: ')) continue;
          assert.equal(block.split('\n').length, 1, 'a block is exactly one line');
          const event = JSON.parse(block.slice(6)) as StreamedEvent;
          events.push(event);
          await onEvent(event, turnId);
        }
      }
      for (const { event, seq: _, ...payload } of events) turnEventSchemas[event].parse(payload);
      const numbered = events.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
      assert.deepEqual(
        numbered,
        numbered.map((_, index) => index + 1),
      );
      return { events, turnId, end: events.at(-1)!, names: events.map(({ event }) => event), response };
    },
    async stopApi() {
      await api?.close();
      api = null;
    },
    async startApi() {
      api = await startApi({ ...common, config: { ...config, port }, jwtSecret: TEST_SECRET, ...link });
    },
    async stopWorker() {
      await worker?.stop();
      worker = null;
    },
    async startWorker() {
      worker = await startWorker(workerSettings());
    },
    // The checks are the last: a failed one must not leave something open that keeps the process alive.
    async close() {
      await api?.close();
      watch.stop();
      await worker?.stop();
      await connection.close();
      await fake.close();
      await db.destroy();
      await database.drop();
      watch.assertNone();
      assert.deepEqual(fake.refusals, [], 'a request that a real provider refuses');
    },
  };
}
