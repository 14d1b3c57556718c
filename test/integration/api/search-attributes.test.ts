/** A Temporal that lists the search attributes but does not take them, as a real one does for seconds after their creation. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { Knex } from 'knex';
import { launch } from '../../../api/turns/start-turn.ts';
import { turnWorkflowId } from '../../../contracts/turn-workflow-id.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { findTurn, insertStartingTurn } from '../../../db/turns/turn.ts';
import { createTemporalIdentity } from '../../../db/temporal/temporal-identity.ts';
import { catalogueOf, loadConfig } from '../../../runtime/config.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { startingTurn } from '../../support/starting-turn.ts';
import { silentLogger } from '../../support/test-api.ts';

const config = loadConfig({});
const namespace = `no-attributes-${randomUUID()}`;
let connection: Connection;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 2 });
  connection = await Connection.connect({ address: process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '' });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
});
after(async () => {
  await connection.close();
  await db.destroy();
  await database.drop();
});

test('a turn starts without search attributes that the server refuses', async () => {
  const [workflowId, sessionId] = [randomUUID(), randomUUID()];
  await db.raw(`insert into ai.workflows (id, name) values (?, 'Flow')`, [workflowId]);
  await db.raw('insert into ai.copilot_sessions (id, workflow_id) values (?, ?)', [sessionId, workflowId]);
  const inserted = await insertStartingTurn(db, startingTurn({ sessionId, workflowId }));
  const { turn } = inserted!;
  const client = new Client({ connection, namespace });
  const options = {
    db,
    client,
    identity: createTemporalIdentity({ db, connection, config, logger: silentLogger }),
    taskQueue: 'nobody-polls-this',
    catalogue: catalogueOf(config),
    fallbackModel: null,
    promptVersion: 'v2' as const,
    limits: config.limits,
    budgets: config.budgets,
    linkToTurn: () => null,
    eagerStart: false,
    searchAttributes: async () => true,
    diffGraphs: async () => null,
    logger: silentLogger,
  };
  assert.equal(await launch(options, turn), true);
  assert.equal((await findTurn(db, turn.id))!.status, 'running');
  const handle = client.workflow.getHandle(turnWorkflowId(sessionId));
  const [first] = (await handle.fetchHistory()).events!;
  const { input, searchAttributes } = first!.workflowExecutionStartedEventAttributes!;
  // The workflow must not set them either: Temporal would refuse its last task again and again.
  const [asked] = input!.payloads!.map(({ data }) => JSON.parse(Buffer.from(data!).toString()) as object);
  assert.deepEqual(asked, { turnId: turn.id, sessionId, workflowId, model: 'demo', searchAttributes: false });
  assert.equal(searchAttributes?.indexedFields?.CopilotSession, undefined);
  await handle.terminate();
});
