/**
 * The sweeper on a real Temporal and Postgres: it reaches every turn, and changes nothing from another namespace. One file,
 * because every test makes a pass of the sweeper over its own rows.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import type { Knex } from 'knex';
import { startApi } from '../../../api/run-api.ts';
import { createTurnControl } from '../../../api/turns/create-turn-control.ts';
import { settleTurn } from '../../../api/turns/settle-turn.ts';
import { createSweeper } from '../../../api/turns/sweeper.ts';
import type { TurnControlOptions } from '../../../api/turns/turn-control-options.ts';
import { createCatalogue } from '../../../models/catalogue.ts';
import { CHAT_TURN_WORKFLOW } from '../../../contracts/names.ts';
import { turnWorkflowId } from '../../../contracts/turn-workflow-id.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { listOldOpenTurns } from '../../../db/turns/open-turns.ts';
import { findTurn } from '../../../db/turns/turn.ts';
import { loadConfig } from '../../../runtime/config.ts';
import { PoolBusyError, PoolClosedError, TaskTimeoutError } from '../../../runtime/thread-pool.ts';
import { createTemporalIdentity } from '../../../db/temporal/temporal-identity.ts';
import { installRuntime, startWorker } from '../../../worker/run-worker.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import {
  insertSession,
  insertTurn,
  signToken,
  silentLogger,
  startTestApi,
  TEST_SECRET,
} from '../../support/test-api.ts';

const ADDRESS = process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;
let connection: Connection;
const started: string[] = [];

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
  connection = await Connection.connect({ address: ADDRESS });
});
after(async () => {
  const client = new Client({ connection });
  for (const id of started) await client.workflow.getHandle(id).terminate();
  await connection?.close();
  await db?.destroy();
  await database?.drop();
});

function optionsFor(namespace = 'default', env: Record<string, string> = { TEMPORAL_ADDRESS: ADDRESS }) {
  const config = loadConfig({ ...env, TEMPORAL_NAMESPACE: namespace, PORT: '0' });
  const options: TurnControlOptions = {
    db,
    client: new Client({ connection, namespace }),
    identity: createTemporalIdentity({ db, connection, config, logger: silentLogger }),
    taskQueue: 'nobody-polls-this',
    catalogue: createCatalogue({ openai: false, anthropic: false }),
    fallbackModel: null,
    promptVersion: 'v2',
    linkToTurn: () => null,
    limits: config.limits,
    budgets: config.budgets,
    eagerStart: false,
    searchAttributes: async () => false,
    diffGraphs: async () => null,
    logger: silentLogger,
  };
  return { config, options };
}

/** A turn that began `ageSeconds` ago; its workflow is open unless `orphan`. */
async function oldTurn(input: { ageSeconds: number; orphan?: boolean; status?: string }) {
  const session = await insertSession(db);
  const turnId = await insertTurn(db, session, input.status);
  await db.raw('update ai.copilot_turns set created_at = now() - make_interval(secs => ?) where id = ?', [
    input.ageSeconds,
    turnId,
  ]);
  const workflowId = turnWorkflowId(session.sessionId);
  if (!input.orphan) {
    await new Client({ connection }).workflow.start(CHAT_TURN_WORKFLOW, {
      workflowId,
      taskQueue: 'nobody-polls-this',
      memo: { turnId },
    });
    started.push(workflowId);
  }
  return { turnId, workflowId, sessionId: session.sessionId };
}

async function decideUnheard(turnId: string): Promise<void> {
  await db.raw(
    `insert into ai.copilot_confirmations (turn_id, call_id, arguments, arguments_hash, change, summary, asset_id,
       fingerprint, expires_at, decision, decided_at)
     values (?, 'call_1', '{}', '', '{}', '', ?, '', now() + interval '1 day', 'approved', now() - interval '1 minute')`,
    [turnId, randomUUID()],
  );
}

async function countSignals(workflowId: string): Promise<number> {
  const { events } = await new Client({ connection }).workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
}

const statusOf = async (turnId: string) => (await findTurn(db, turnId))?.status;

test('one pass reaches what stands behind sixty turns that wait, whoever throws on the way', async () => {
  const waiting = await Promise.all(Array.from({ length: 60 }, () => oldTurn({ ageSeconds: 7_200 })));
  const broken = await oldTurn({ ageSeconds: 9_000, orphan: true });
  await db.raw(
    `create function public.refuse() returns trigger language plpgsql as 'begin raise exception ''refused''; end'`,
  );
  await db.raw(
    `create trigger refuse before update on ai.copilot_turns for each row when (old.id = '${broken.turnId}')
     execute function public.refuse()`,
  );
  const orphan = await oldTurn({ ageSeconds: 60, orphan: true });
  const young = await oldTurn({ ageSeconds: 1, orphan: true });
  const neverStarted = await oldTurn({ ageSeconds: 60, orphan: true, status: 'starting' });
  const started = await oldTurn({ ageSeconds: 60, status: 'starting' });
  const decided = await oldTurn({ ageSeconds: 60 });
  await decideUnheard(decided.turnId);

  const sweeper = createSweeper(optionsFor().options, { start: false });
  await Promise.all([sweeper.pass(), sweeper.pass()]);

  assert.equal(await statusOf(orphan.turnId), 'failed');
  assert.equal(await statusOf(broken.turnId), 'running');
  assert.equal(await statusOf(young.turnId), 'running');
  assert.equal(await statusOf(neverStarted.turnId), undefined);
  assert.equal(await statusOf(started.turnId), 'running');
  for (const { turnId } of waiting) assert.equal(await statusOf(turnId), 'running');
  assert.equal(await countSignals(decided.workflowId), 1);

  await db.raw('drop trigger refuse on ai.copilot_turns');
  await sweeper.pass();
  assert.equal(await statusOf(broken.turnId), 'running', 'a turn that failed has a pause');
  await createSweeper(optionsFor().options, { start: false }).pass();
  assert.equal(await statusOf(broken.turnId), 'failed');
});

test('a lost turn whose diff finds no thread stays open, and a cancel of it is a 503; later it ends with its diff', async () => {
  const errors = [new PoolBusyError(), new TaskTimeoutError('diff', 1, true), new PoolClosedError('diff')];
  let failure: Error | null = null;
  const { options } = optionsFor();
  const diff = '{"remove_blocks":["b1"]}';
  const busy: TurnControlOptions = {
    ...options,
    async diffGraphs() {
      if (failure) throw failure;
      return diff;
    },
  };
  const { turnId, sessionId } = await oldTurn({ ageSeconds: 60, orphan: true });
  await db.raw(`update ai.copilot_turns set working_graph = '{"blocks":[]}' where id = ?`, [turnId]);
  const api = await startTestApi({
    databaseUrl: database.url,
    async connectTurns(ofApi) {
      const turns = createTurnControl({ ...busy, db: ofApi });
      return { turns, close: async () => turns.close() };
    },
  });
  const path = `${api.url}/api/copilot/sessions/${sessionId}/turns/${turnId}/cancel`;
  const cancel = () => fetch(path, { method: 'POST', headers: api.headers });
  try {
    for (failure of errors) {
      const response = await cancel();
      assert.equal(response.status, 503, failure.name);
      assert.match(response.headers.get('retry-after') ?? '', /^[0-9]+$/);
      assert.deepEqual(Object.keys((await response.json()) as object), ['error']);
      await createSweeper(busy, { start: false }).pass();
      assert.equal(await statusOf(turnId), 'running', failure.name);
    }
    failure = null;
    assert.equal((await cancel()).status, 409, 'it was lost, so it ends as failed');
    assert.deepEqual((await findTurn(db, turnId))?.workflowDiff, JSON.parse(diff));

    const hopeless = await oldTurn({ ageSeconds: 60, orphan: true });
    await db.raw(`update ai.copilot_turns set working_graph = '{"blocks":[]}' where id = ?`, [
      hopeless.turnId,
    ]);
    failure = new TaskTimeoutError('diff', 1, false);
    await createSweeper(busy, { start: false }).pass();
    assert.equal(await statusOf(hopeless.turnId), 'failed', 'a diff that can not be had holds no turn open');
  } finally {
    await api.close();
  }
});

test('a decision that nobody acts upon is signalled again after ever longer pauses', async () => {
  const { turnId, workflowId } = await oldTurn({ ageSeconds: 60 });
  await decideUnheard(turnId);
  let now = 0;
  const sweeper = createSweeper(optionsFor().options, { start: false, now: () => now });
  const counts: number[] = [];
  for (const seconds of [0, 19, 20, 59, 60, 139, 140]) {
    now = seconds * 1_000;
    await sweeper.pass();
    counts.push(await countSignals(workflowId));
  }
  assert.deepEqual(counts, [1, 1, 2, 2, 3, 3, 4]);
});

test('a turn whose session is deleted while it is settled is gone, and that is no error', async () => {
  const { turnId, sessionId } = await oldTurn({ ageSeconds: 60, orphan: true });
  await db.raw(`update ai.copilot_turns set working_graph = working_graph || ' ' where id = ?`, [turnId]);
  const { options } = optionsFor();
  const diffGraphs = async () => {
    await db.raw('delete from ai.copilot_sessions where id = ?', [sessionId]);
    return null;
  };
  const turn = await findTurn(db, turnId);
  assert.equal(await settleTurn({ ...options, diffGraphs }, turn!), 'gone');
});

test('a turn whose row could not be made visible is there once its workflow runs', async () => {
  const running = await oldTurn({ ageSeconds: 0, status: 'starting' });
  const notYet = await oldTurn({ ageSeconds: 0, status: 'starting', orphan: true });
  const control = createTurnControl(optionsFor().options);
  try {
    assert.equal(await control.exists(running), true);
    assert.equal((await control.get(running))?.status, 'running');
    await control.cancel(running);
    assert.equal(await countSignals(running.workflowId), 1);
    assert.equal(await control.exists({ ...running, sessionId: notYet.sessionId }), false);
    assert.equal(await control.exists(notYet), false);
    assert.equal(await control.get(notYet), null);
    await assert.rejects(control.cancel(notYet), { status: 404 });
  } finally {
    control.close();
  }
});

test('pages of open turns meet each turn once, though several began in one millisecond', async () => {
  const ids = new Set<string>();
  for (let n = 0; n < 9; n += 1) {
    const { turnId } = await oldTurn({ ageSeconds: 0, orphan: true });
    await db.raw(`update ai.copilot_turns set created_at = ?::timestamptz where id = ?`, [
      `2020-01-01 00:00:00.00000${Math.floor(n / 3)}`,
      turnId,
    ]);
    ids.add(turnId);
  }
  const met: string[] = [];
  let after: Awaited<ReturnType<typeof listOldOpenTurns>>[number] | null = null;
  for (let pages = 0; pages < 100; pages += 1) {
    const page: Awaited<ReturnType<typeof listOldOpenTurns>> = await listOldOpenTurns(db, {
      olderThanMs: 3_600_000_000,
      limit: 2,
      after,
    });
    if (page.length === 0) break;
    met.push(...page.map(({ id }) => id));
    after = page.at(-1)!;
  }
  assert.deepEqual([met.length, new Set(met)], [ids.size, ids]);
  await db.raw(`delete from ai.copilot_turns where id = any(?)`, [met]);
});

test('from a foreign namespace nothing is ended, chats and readiness say so, until an operator records it', async () => {
  const namespace = `foreign-${randomUUID()}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  const foreign = optionsFor(namespace);
  // The server's parts hear of a namespace one after the other.
  for (const until = Date.now() + 30_000; Date.now() < until; ) {
    const found = await foreign.options.client.workflow
      .getHandle('nothing')
      .describe()
      .catch((error: unknown) => error);
    if (found instanceof WorkflowNotFoundError) break;
  }
  assert.equal(await optionsFor().options.identity.verify(), null, 'the first one to ask is recorded');
  const { turnId, workflowId, sessionId } = await oldTurn({ ageSeconds: 60 });
  await decideUnheard(turnId);
  const neverStarted = await oldTurn({ ageSeconds: 60, orphan: true, status: 'starting' });

  await createSweeper(foreign.options, { start: false }).pass();
  const turn = (await findTurn(db, turnId))!;
  assert.equal(await settleTurn(foreign.options, turn), 'running');
  await settleTurn(foreign.options, (await findTurn(db, neverStarted.turnId))!);
  assert.equal(await statusOf(turnId), 'running');
  assert.equal(await statusOf(neverStarted.turnId), 'starting');

  const common = {
    config: foreign.config,
    databaseUrl: database.url,
    temporalAddress: ADDRESS,
    logger: silentLogger,
  };
  const api = await startApi({ ...common, jwtSecret: TEST_SECRET });
  try {
    const headers = { Authorization: `Bearer ${await signToken()}`, 'Content-Type': 'application/json' };
    const post = (path: string, body: object) =>
      fetch(`${api.url}/api/copilot/sessions/${sessionId}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
    for (const response of [
      await post('/chat', { message: 'hi' }),
      await post(`/turns/${turnId}/cancel`, {}),
      await fetch(`${api.url}/readyz`),
    ]) {
      assert.equal(response.status, 503);
      assert.match(((await response.json()) as { error: string }).error, /"default" with the id .*foreign-/);
    }
    assert.equal(await statusOf(turnId), 'running');
    const { rows } = await db.raw<{ rows: { n: number }[] }>(
      'select count(*)::int as n from ai.copilot_turns where session_id = ?',
      [sessionId],
    );
    assert.equal(rows[0]!.n, 1, 'the refused chat leaves no row');
    installRuntime(silentLogger);
    await assert.rejects(startWorker(common), { code: 'FOREIGN_NAMESPACE' });

    const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
    await db.raw('update ai.copilot_temporal set namespace_id = ?', [namespaceInfo!.id!]);
    assert.equal((await fetch(`${api.url}/readyz`)).status, 200);
    assert.equal(await countSignals(workflowId), 0);
    await createSweeper(foreign.options, { start: false }).pass();
    assert.equal(await statusOf(turnId), 'failed');
  } finally {
    await api.close();
  }

  const embedded = optionsFor('default', {});
  assert.equal(await embedded.options.identity.verify(), null, 'an embedded server is taken as it is');
  assert.equal(await optionsFor().options.identity.verify(), null);
});
