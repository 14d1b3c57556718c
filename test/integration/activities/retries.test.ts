/** What is tried again, how often, and what is never counted against a call. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client } from '@temporalio/client';
import { turnWorkflowId } from '../../../contracts/turn-workflow-id.ts';
import { createLogger } from '../../../runtime/logger.ts';
import { type Gate, openGate } from '../../support/gate.ts';
import { poisonTools, release, runs } from '../../support/poison-tools.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';
import { until } from '../../support/until.ts';

let system: TurnSystem;
let gate: Gate;
const lines: string[] = [];
const logger = createLogger({ level: 'error' }, { write: (line) => void lines.push(line) });

before(async () => {
  gate = await openGate(process.env.COPILOT_TEST_DATABASE_URL!);
  system = await startTurnSystem({}, logger, ({ url }) => ({
    databaseUrl: gate.through(url),
    moreTools: poisonTools,
  }));
});
after(async () => {
  await system.close();
  await gate.shut();
});

/** The attempt of the activity that a session's turn waits for. */
async function attemptOf(sessionId: string): Promise<number> {
  const handle = new Client({ connection: system.connection }).workflow.getHandle(turnWorkflowId(sessionId));
  const description = await handle.describe().catch(() => null);
  return description?.raw.pendingActivities?.[0]?.attempt ?? 0;
}

const rate = {
  error: {
    status: 429,
    body: { error: { message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' } },
    headers: { 'retry-after-ms': '50' },
  },
};

test("attempts that a database outage took are not the model's: four rate limits later it still answers", async () => {
  const session = await system.newSession();
  system.scripts.set('Limited', (_, n) => (n <= 4 ? rate : { text: ['Here.'] }));
  await gate.shut();
  const turn = system.chat(session, { message: 'Limited' });
  await until('the sixth attempt', async () => (await attemptOf(session.id)) > 5, { limitMs: 40_000 });
  await gate.open();
  const { end } = await turn;
  assert.deepEqual([end.event, end.content], ['complete', 'Here.']);
  assert.equal(system.fake.requests.filter(({ message }) => message === 'Limited').length, 5);
});

test('a model that fails five times ends the turn with its code', async () => {
  system.scripts.set('Refused', () => rate);
  const { end } = await system.chat(await system.newSession(), { message: 'Refused' });
  assert.deepEqual([end.event, end.code], ['error', 'model_rate_limited']);
  assert.equal(system.fake.requests.filter(({ message }) => message === 'Refused').length, 5);
});

test('a tool call that is handed over again and again is not given up', async () => {
  const name = 'waits_for_the_test';
  system.scripts.set('Wait', (step) =>
    step === 0 ? { toolCalls: [{ name, arguments: {} }] } : { text: ['It waited.'] },
  );
  const turn = system.chat(await system.newSession(), { message: 'Wait' });
  for (let n = 1; n <= 3; n++) {
    await until(`run ${n} of ${name}`, () => runs.get(name) === n, { limitMs: 40_000 });
    await system.stopWorker();
    await system.startWorker();
  }
  release();
  const { end, events } = await turn;
  assert.equal(end.content, 'It waited.');
  assert.equal(events.find(({ event }) => event === 'tool_result')!.is_error, false);
});

test('a model call with which five workers were lost is not made again, and says so', async () => {
  const session = await system.newSession();
  await system.stopWorker();
  const turn = system.chat(session, { message: 'Deadly' }, async (event, turnId) => {
    if (event.seq !== 1) return;
    await system.db.raw(
      `insert into ai.copilot_turn_claims (turn_id, key, epoch, holder, deaths) values (?, 'step:1', 5, ?, 4)`,
      [turnId, randomUUID()],
    );
    await system.startWorker();
  });
  const { end } = await turn;
  assert.deepEqual([end.event, end.code], ['error', 'model_bad_response']);
  assert.equal(system.fake.requests.filter(({ message }) => message === 'Deadly').length, 0);
});

/** Has a table refuse what is written into it, until the function that is returned is called. */
async function refuseWrites(table: string, rows = 'true'): Promise<() => Promise<void>> {
  await system.db.raw(
    `create or replace function ai.refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
     create trigger refuse before insert on ${table} for each row when (${rows}) execute function ai.refuse()`,
  );
  return () => system.db.raw(`drop trigger refuse on ${table}`).then(() => undefined);
}

test('the end of a turn is stored as soon as it can be, with an alarm in the log until then', async () => {
  const session = await system.newSession();
  let allow: () => Promise<void> = async () => undefined;
  lines.length = 0;
  const turn = system.chat(session, { message: 'Fine?' }, async ({ seq }) => {
    if (seq === 1) allow = await refuseWrites('ai.copilot_messages', `new.role = 'assistant'`);
  });
  await until(
    'the warning',
    () => lines.some((line) => line.includes('the end of a turn is not stored yet')),
    { limitMs: 40_000 },
  );
  await allow();
  const { end } = await turn;
  assert.deepEqual([end.event, end.content], ['complete', 'Fine.']);
});

test('a turn whose changes can not be worked out ends as failed and keeps its text', async () => {
  const session = await system.newSession();
  const { end } = await system.chat(session, { message: 'Fine?' }, async ({ seq }, turnId) => {
    if (seq === 1)
      await system.db.raw(`update ai.copilot_turns set working_graph = '{"blocks":null}' where id = ?`, [
        turnId,
      ]);
  });
  assert.deepEqual([end.event, end.code], ['error', 'internal']);
  const { status, body } = await system.call('GET', `/api/copilot/sessions/${session.id}/messages`);
  const [, message] = body.messages as Record<string, unknown>[];
  assert.deepEqual([status, message!.content, message!.status], [200, 'Fine.', 'failed']);
});

const create = {
  name: 'manage_project_asset',
  arguments: { action: 'create', kind: 'agent', data: { name: 'Support' } },
};

test('a question that can not be written is a failed result, and the turn goes on', async () => {
  system.scripts.set('Ask', (step) => (step === 0 ? { toolCalls: [create] } : { text: ['No.'] }));
  const allow = await refuseWrites('ai.copilot_confirmations');
  const { end, events } = await system.chat(await system.newSession(), { message: 'Ask' });
  await allow();
  assert.equal(end.content, 'No.');
  assert.match(String(events.find(({ event }) => event === 'tool_result')!.result), /failed 3 times/);
});

test('an approved change that can not be made is a failed result, and nothing is changed', async () => {
  system.scripts.set('Approve', (step) => (step === 0 ? { toolCalls: [create] } : { text: ['No.'] }));
  const session = await system.newSession();
  const allow = await refuseWrites('ai.agents');
  const { end, events } = await system.chat(session, { message: 'Approve' }, async (event, turnId) => {
    if (event.event !== 'confirmation_required') return;
    const path = `/api/copilot/sessions/${session.id}/turns/${turnId}/confirmations/${String(event.call_id)}`;
    assert.equal((await system.call('POST', path, { approved: true })).status, 200);
  });
  await allow();
  assert.equal(end.content, 'No.');
  assert.equal(events.find(({ event }) => event === 'confirmation_resolved')!.decision, 'approved');
  const result = events.find(({ event }) => event === 'tool_result')!;
  assert.equal(result.is_error, true);
  assert.match(String(result.result), /failed 3 times.*Nothing was changed/);
  const { rows } = await system.db.raw<{ rows: unknown[] }>('select 1 from ai.agents');
  assert.deepEqual(rows, []);
});
