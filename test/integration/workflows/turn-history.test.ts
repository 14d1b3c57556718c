/** What a whole turn leaves in the Temporal history: real activities, a real database, the longest turn there is. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import proto from '@temporalio/proto';
import { Client, Connection } from '@temporalio/client';
import { createTurnControl } from '../../../api/turns/create-turn-control.ts';
import { MAX_STEPS } from '../../../contracts/limits.ts';
import { turnWorkflowId } from '../../../contracts/turn-workflow-id.ts';
import { createCatalogue } from '../../../models/catalogue.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { createSession } from '../../../db/sessions/sessions.ts';
import { createWorkflow } from '../../../db/graphs/graphs.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import { loadConfig } from '../../../runtime/config.ts';
import { createLogger } from '../../../runtime/logger.ts';
import { createTemporalIdentity } from '../../../db/temporal/temporal-identity.ts';
import { installRuntime, startWorker } from '../../../worker/run-worker.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { startFakeProvider } from '../../support/fake-provider.ts';

const ADDRESS = process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '';
const CANARY = 'canary-in-the-canvas';

/** 300 KB of canvas, with a secret-looking text in it. */
function bigGraph(): Graph {
  const blocks = Array.from({ length: 100 }, (_, n) => ({
    id: randomUUID(),
    type: 'code',
    name: `Step ${n}`,
    position: { x: 0, y: n * 200 },
    config: { language: 'python', code: `# ${CANARY} ${'x'.repeat(3_000)}\noutput = ${n}` },
    enabled: true,
  }));
  return { blocks, edges: [] };
}

test(`a turn of ${MAX_STEPS} steps over a canvas of 300 KB stays under 100 KB of history, without a word of the canvas`, async () => {
  const logger = createLogger({ level: 'silent' });
  installRuntime(logger);
  const database = await createTestDatabase();
  const fake = await startFakeProvider(({ toolResults }) => ({
    text: [`Step ${toolResults}. `],
    toolCalls: [
      {
        name: 'modify_workflow',
        arguments: {
          add_blocks: [{ type: 'code', name: `Made ${toolResults}`, config: { code: 'output = 1' } }],
        },
      },
    ],
  }));
  const taskQueue = `history-${randomUUID()}`;
  const config = loadConfig({
    OPENAI_BASE_URL: fake.url,
    OPENAI_API: 'responses',
    TEMPORAL_TASK_QUEUE: taskQueue,
  });
  const worker = await startWorker({ config, databaseUrl: database.url, temporalAddress: ADDRESS, logger });
  const db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
  const connection = await Connection.connect({ address: ADDRESS });
  const client = new Client({ connection });
  const turns = createTurnControl({
    db,
    client,
    identity: createTemporalIdentity({ db, connection, config, logger }),
    taskQueue,
    catalogue: createCatalogue({ openai: true, anthropic: false }),
    fallbackModel: null,
    promptVersion: 'v2',
    linkToTurn: () => null,
    limits: config.limits,
    budgets: config.budgets,
    eagerStart: false,
    searchAttributes: async () => true,
    diffGraphs: async () => null,
    logger,
  });
  try {
    const workflow = await createWorkflow(db, { name: 'Big' });
    const session = (await createSession(db, { workflowId: workflow.id, ownerSub: null }))!;
    const graph = bigGraph();
    assert.ok(JSON.stringify(graph).length > 300_000);
    const { turnId } = await turns.start({
      session,
      message: 'A secret wish: canary-in-the-message',
      graph,
      idempotencyKey: null,
      principal: null,
    });
    const handle = client.workflow.getHandle(turnWorkflowId(session.id));
    const result = (await handle.result()) as { status: string; stopReason: string; steps: number };
    assert.deepEqual(result, { status: 'complete', stopReason: 'step_limit', steps: MAX_STEPS });

    const history = await handle.fetchHistory();
    const bytes = proto.temporal.api.history.v1.History.encode(history).finish();
    console.log(
      `${MAX_STEPS} steps with a tool call each: ${history.events!.length} events, ${(bytes.length / 1024).toFixed(1)} KB`,
    );
    assert.ok(bytes.length < 100 * 1024, `${bytes.length} bytes`);
    const text = Buffer.from(bytes).toString('latin1');
    for (const word of [CANARY, 'canary-in-the-message', 'xxxxxxxx']) assert.ok(!text.includes(word), word);

    const view = (await turns.get({ sessionId: session.id, turnId }))!;
    assert.equal(view.workflow_diff!.add_blocks!.length, MAX_STEPS - 1);
    assert.deepEqual(
      [view.usage.calls, view.usage.input_tokens, view.stop_reason],
      [MAX_STEPS, MAX_STEPS * 100, 'step_limit'],
    );
    const choices = fake.requests.map((request) => request.body.tool_choice);
    assert.deepEqual(choices, [...Array.from({ length: MAX_STEPS - 1 }, () => 'auto'), 'none']);
  } finally {
    turns.close();
    await worker.stop();
    await connection.close();
    await db.destroy();
    await fake.close();
    await database.drop();
  }
});
