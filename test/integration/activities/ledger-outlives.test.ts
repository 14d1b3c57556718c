/** The ledger outlives sessions: what a model call cost is on the bill, whatever was deleted while it ran. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { recordUsage } from '../../../activities/attempt/ledger.ts';
import type { ActivityDeps } from '../../../activities/deps.ts';
import { createTurnStore } from '../../../db/turns/turn-store.ts';
import { claimWork } from '../../../db/turns/claims.ts';
import { endTurn } from '../../../db/turns/end-turn.ts';
import type { Fence } from '../../../db/fence.ts';
import { insertUsage, type UsageEntry } from '../../../db/turns/usage-rows.ts';
import { rowsOf } from '../../../db/connection/sql-rows.ts';
import { silentLogger } from '../../support/test-api.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';
import { untilValue } from '../../support/until.ts';

let system: TurnSystem;

before(async () => {
  system = await startTurnSystem();
});
after(() => system.close());

interface Row {
  session_id: string;
  epoch: number;
  model: string;
  estimated: boolean;
  input_tokens: string;
  output_tokens: string;
}

const rows = (turnId: string): Promise<Row[]> =>
  rowsOf<Row>(
    system.db,
    `select session_id, epoch, model, estimated, input_tokens, output_tokens from ai.copilot_usage
     where turn_id = ? order by step, epoch`,
    [turnId],
  );

/** An answer that has begun and then waits for the test before its last piece and its report. */
function heldAnswer(word: string, usage: { input: number; output: number }) {
  let begin!: () => void;
  let end!: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const held = new Promise<void>((resolve) => {
    end = resolve;
  });
  system.scripts.set(word, () => ({ text: ['It ', 'begins'], usage, holdEnd: held }));
  return { begin, begun, end };
}

/** Runs a turn up to the middle of its answer, then deletes what it hangs on, then lets the provider report. */
async function deletedInMidAnswer(
  word: string,
  usage: { input: number; output: number },
  remove: (session: { id: string; workflowId: string }) => Promise<unknown>,
): Promise<{ turnId: string; sessionId: string }> {
  const answer = heldAnswer(word, usage);
  const session = await system.newSession();
  let turnId = '';
  const stream = system.chat(session, { message: `${word} it` }, ({ event, delta }, id) => {
    turnId = id;
    if (event === 'content_delta' && String(delta).includes('begins')) answer.begin();
  });
  await answer.begun;
  await remove(session);
  answer.end();
  await stream;
  return { turnId, sessionId: session.id };
}

test('a session that is deleted behind the back of its answer is billed what the provider reported', async () => {
  const { turnId, sessionId } = await deletedInMidAnswer('Session', { input: 7_001, output: 71 }, ({ id }) =>
    system.db.raw('delete from ai.copilot_sessions where id = ?', [id]),
  );
  const [row] = await untilValue(
    'the rows of the bill',
    () => rows(turnId),
    (found) => found.some(({ estimated }) => !estimated),
    { limitMs: 30_000 },
  );
  assert.deepEqual(row, {
    session_id: sessionId,
    epoch: 1,
    model: 'gpt-5.2',
    estimated: false,
    input_tokens: '7001',
    output_tokens: '71',
  });
  assert.equal((await rows(turnId)).length, 1);
});

test('so is one whose workflow the platform deleted', async () => {
  const { turnId } = await deletedInMidAnswer('Workflow', { input: 7_002, output: 72 }, ({ workflowId }) =>
    system.db.raw('delete from ai.workflows where id = ?', [workflowId]),
  );
  const [row] = await untilValue(
    'the rows of the bill',
    () => rows(turnId),
    (found) => found.some(({ estimated }) => !estimated),
    { limitMs: 30_000 },
  );
  assert.equal(row!.input_tokens, '7002');
});

test('a session that is deleted by its route leaves a row for the answer that this cut off', async () => {
  const answer = heldAnswer('Route', { input: 7_003, output: 73 });
  const session = await system.newSession();
  const before = await system.call('GET', '/api/copilot/usage');
  let turnId = '';
  const stream = system.chat(session, { message: 'Route it' }, ({ event }, id) => {
    turnId = id;
    if (event === 'content_delta') answer.begin();
  });
  await answer.begun;
  assert.equal((await system.call('DELETE', `/api/copilot/sessions/${session.id}`)).status, 204);
  await stream;
  const [row] = await untilValue(
    'the rows of the bill',
    () => rows(turnId),
    (found) => found.length > 0,
    { limitMs: 30_000 },
  );
  assert.equal(row!.session_id, session.id);
  answer.end();
  const counted = ({ body }: { body: Record<string, unknown> }): number =>
    (body.models as { calls: number; estimated_calls: number }[]).reduce(
      (sum, model) => sum + model.calls + model.estimated_calls,
      0,
    );
  assert.equal(counted(await system.call('GET', '/api/copilot/usage')), counted(before) + 1);
});

/** A turn as a worker holds it that has claimed a step and called the model. */
async function claimedTurn(): Promise<{ fence: Fence; sessionId: string; claim: () => Promise<unknown> }> {
  const session = await system.newSession();
  const turnId = randomUUID();
  await system.db.raw(
    `insert into ai.copilot_turns (id, session_id, workflow_id, user_message_id, message_id, message, model, base_graph, working_graph)
     values (?, ?, ?, gen_random_uuid(), gen_random_uuid(), 'Hi', 'gpt-4o', '{"nodes":[],"edges":[]}', '{"nodes":[],"edges":[]}')`,
    [turnId, session.id, session.workflowId],
  );
  const claim = () =>
    claimWork(system.db, {
      turnId,
      key: 'step:1',
      step: 1,
      holder: randomUUID(),
      over: null,
      onFirst: [],
      textBefore: async () => '',
      bill: { step: 1, onSwitch: () => [] },
    });
  await claim();
  return { fence: { turnId, key: 'step:1', epoch: 1 }, sessionId: session.id, claim };
}

const report = (sessionId: string, inputTokens: number): UsageEntry => ({
  step: 1,
  sessionId,
  model: 'gpt-4o',
  inputTokens,
  cachedTokens: 0,
  outputTokens: 1,
  reasoningTokens: 0,
  costUsd: null,
  estimated: false,
  latencyMs: 1,
  result: 'ok',
});

test('an attempt whose worker died is noted when the turn is deleted, and when it is ended from outside', async () => {
  const deleted = await claimedTurn();
  await system.db.raw('delete from ai.copilot_sessions where id = ?', [deleted.sessionId]);
  const ended = await claimedTurn();
  await endTurn(system.db, {
    turnId: ended.fence.turnId,
    steps: null,
    outcome: { kind: 'error', code: 'internal', message: 'ended' },
    diff: () => null,
  });
  for (const { fence, sessionId } of [deleted, ended]) {
    const expected = { session_id: sessionId, epoch: 1, model: 'gpt-4o', output_tokens: '0' };
    assert.deepEqual(await rows(fence.turnId), [{ ...expected, estimated: true, input_tokens: '0' }]);
    // A late report takes its place, once: nothing is billed twice.
    await insertUsage(system.db, fence, report(sessionId, 500));
    await insertUsage(system.db, fence, report(sessionId, 900));
    assert.deepEqual(await rows(fence.turnId), [
      { ...expected, estimated: false, input_tokens: '500', output_tokens: '1' },
    ]);
  }
});

test('each attempt of a deleted turn has its own row, and an answered or idle one has no estimate', async () => {
  const { fence, sessionId, claim } = await claimedTurn();
  await claim();
  await insertUsage(system.db, fence, report(sessionId, 100));
  const idle = await claimedTurn();
  await system.db.raw('update ai.copilot_turn_claims set idle = true where turn_id = ?', [idle.fence.turnId]);
  await system.db.raw('delete from ai.copilot_sessions where id in (?, ?)', [sessionId, idle.sessionId]);
  assert.deepEqual(
    (await rows(fence.turnId)).map(({ epoch, estimated, input_tokens }) => [epoch, estimated, input_tokens]),
    [
      [1, false, '100'],
      [2, true, '0'],
    ],
  );
  assert.deepEqual(await rows(idle.fence.turnId), []);
});

test('a report that the database can not take now is kept until it can', async () => {
  const { fence, sessionId } = await claimedTurn();
  await system.db.raw('delete from ai.copilot_sessions where id = ?', [sessionId]);
  const store = createTurnStore(system.db);
  let refusals = 2;
  const deps = {
    logger: silentLogger,
    store: {
      ...store,
      insertUsage: (...args: Parameters<typeof store.insertUsage>) =>
        refusals-- > 0
          ? Promise.reject(Object.assign(new Error('away'), { code: '57P03' }))
          : store.insertUsage(...args),
    },
  } as unknown as ActivityDeps;
  await recordUsage(deps, fence, report(sessionId, 640));
  const [row] = await untilValue(
    'the rows of the bill',
    () => rows(fence.turnId),
    ([found]) => found?.estimated === false,
    { limitMs: 30_000 },
  );
  assert.equal(row!.input_tokens, '640');
});
