/**
 * What a streamed delta costs the worker in processor time, from the socket to the row in the event log, beside the SDK's
 * own stream that is only read. Both in this process, one after the other, in the same run.
 */
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import OpenAI from 'openai';
import { createHeavyWork } from '../activities/heavy-work.ts';
import { createActivities } from '../activities/index.ts';
import { createPythonChecker } from '../activities/tools/python-syntax.ts';
import { createToolRegistry } from '../activities/tools/registry.ts';
import { DEFAULT_MODEL } from '../models/models.ts';
import type { CallModelInput } from '../contracts/turn.ts';
import { recordAct } from '../db/audit/audit.ts';
import * as assetStore from '../db/assets/project-assets.ts';
import { createProjectReader } from '../db/assets/project-reader.ts';
import { createSqlSandbox } from '../db/sql-sandbox/sql-sandbox.ts';
import { createEventLog } from '../db/events/event-log.ts';
import { createKnex } from '../db/connection/knex.ts';
import { createSession } from '../db/sessions/sessions.ts';
import { createTurnStore } from '../db/turns/turn-store.ts';
import { insertStartingTurn } from '../db/turns/turn.ts';
import { createContextWindow } from '../llm/context/context-window.ts';
import { createModelClient } from '../llm/create-client.ts';
import { createPrompt } from '../llm/prompt/prompt.ts';
import { catalogueOf, loadConfig } from '../runtime/config.ts';
import { createLogger } from '../runtime/logger.ts';
import { createMetrics } from '../runtime/metrics/metrics.ts';
import type { BenchSystem } from './bench-system.ts';
import type { Answer } from './model-server.ts';
import { median, printTable } from './stats.ts';

const DELTAS = 5_000;
const ROUNDS = 7;
/** Pauses between two deltas: none, and one as of a model that writes fast. */
const PAUSES_MS = [0, 2];

/** Median processor time per delta of both, at each pace. */
export async function benchModelLayer({ ready, modelUrl }: BenchSystem): Promise<void> {
  const config = loadConfig({ OPENAI_BASE_URL: modelUrl, OPENAI_API: 'responses' });
  const catalogue = catalogueOf(config);
  const logger = createLogger({ level: 'warn' });
  const db = createKnex({ databaseUrl: ready.database_url, applicationName: 'bench', poolMax: 4 });
  const events = createEventLog({
    databaseUrl: ready.database_url,
    onError: (error) => logger.error({ err: error }, 'the event log failed'),
  });
  // No tool: none of them is part of this benchmark.
  const tools = createToolRegistry([], {
    project: createProjectReader(db),
    sandbox: createSqlSandbox({ databaseUrl: ready.database_url, config, logger }),
    python: createPythonChecker(),
    catalogue,
    assets: { db, store: assetStore, recordAct, models: () => [], defaultModel: DEFAULT_MODEL },
  });
  const activities = createActivities({
    store: createTurnStore(db),
    events,
    model: createModelClient(config, catalogue),
    prompt: createPrompt(),
    heavy: createHeavyWork(null),
    window: createContextWindow(catalogue),
    tools,
    confirmationTtlMs: 1,
    isBudgetSpent: async () => false,
    catalogue,
    metrics: createMetrics({ runtime: false }),
    traceContent: false,
    logger,
  });
  const openai = new OpenAI({ apiKey: 'not-needed', baseURL: modelUrl, maxRetries: 0, logLevel: 'off' });

  const whole = async (message: string): Promise<void> => {
    const session = await createSession(db, { workflowId: ready.workflow_id, ownerSub: null });
    const turnId = randomUUID();
    await insertStartingTurn(db, {
      id: turnId,
      sessionId: session!.id,
      workflowId: ready.workflow_id,
      userMessageId: randomUUID(),
      messageId: randomUUID(),
      idempotencyKey: null,
      message,
      model: DEFAULT_MODEL,
      principal: null,
      graph: '{"blocks":[],"edges":[]}',
    });
    const startedAt = process.cpuUsage();
    await new MockActivityEnvironment().run((input: CallModelInput) => activities.callModel(input), {
      turnId,
      step: 1,
      toolsOff: false,
    });
    spent.whole.push(cpuMs(startedAt));
    const { rows } = await db.raw<{ rows: { chars: string }[] }>(
      `select sum(length(payload::json ->> 'delta')) as chars from ai.copilot_turn_events
       where turn_id = ? and event = 'content_delta'`,
      [turnId],
    );
    if (Number(rows[0]!.chars) < DELTAS) throw new Error('deltas are missing in the event log');
  };
  const bare = async (message: string): Promise<void> => {
    const startedAt = process.cpuUsage();
    let chars = 0;
    const stream = await openai.responses.create({
      model: DEFAULT_MODEL,
      input: [{ role: 'user', content: message }],
      stream: true,
    });
    for await (const event of stream)
      if (event.type === 'response.output_text.delta') chars += event.delta.length;
    spent.bare.push(cpuMs(startedAt));
    if (chars < DELTAS) throw new Error('deltas are missing in the stream');
  };

  const spent = { whole: [] as number[], bare: [] as number[] };
  const rows: string[][] = [];
  try {
    for (const pieceMs of PAUSES_MS) {
      spent.whole = [];
      spent.bare = [];
      const message = JSON.stringify({ pieces: DELTAS, pieceMs, toolSteps: 0 } satisfies Answer);
      for (let n = 0; n < ROUNDS + 1; n++) {
        await whole(message);
        await bare(message);
      }
      // The first round warms both up.
      const [ours, floor] = [spent.whole, spent.bare].map((times) => median(times.slice(1)) / DELTAS);
      rows.push(
        [pieceMs === 0 ? 'as fast as it goes' : `one each ${pieceMs} ms`, ours!, floor!, ours! - floor!].map(
          (value) => (typeof value === 'number' ? `${value.toFixed(3)} ms` : value),
        ),
      );
    }
  } finally {
    await events.close();
    await db.destroy();
  }
  printTable(
    `Processor time per delta, ${DELTAS} deltas, median of ${ROUNDS} rounds`,
    ['deltas come', 'socket to event row', 'SDK alone (floor)', 'our share'],
    rows,
  );
}

/** Processor time of this process since then, in milliseconds. */
function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}
