/** Budgets are computed from the ledger: which rows count, for whom and for how long. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { isBudgetSpent, requireBudget } from '../../../db/limits/budgets.ts';
import { LimitError } from '../../../db/limits/limit-error.ts';
import { insertUsage, LOST_ATTEMPT } from '../../../db/turns/usage-rows.ts';
import type { Budgets } from '../../../runtime/config.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { queryRows } from '../../support/stored-workflows.ts';
import { insertSession, insertTurn } from '../../support/test-api.ts';

const NONE: Budgets = { tokensPerDay: 0, usdPerDay: '0', tokensPerSession: 0, usdPerSession: '0' };

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;
let sessionId: string;
let turnId: string;
/** Each test has a principal of its own. */
let principal: string;

before(async () => {
  database = await createTestDatabase();
  const url = new URL(database.url);
  // A database whose day is another one.
  url.searchParams.set('options', '-c TimeZone=Pacific/Kiritimati');
  db = createKnex({ databaseUrl: url.href, applicationName: 'test' });
});
after(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  principal = randomUUID();
  ({ sessionId, turnId } = await newTurn(principal));
});

async function newTurn(of: string | null): Promise<{ sessionId: string; turnId: string }> {
  const session = await insertSession(db, of);
  const id = await insertTurn(db, session);
  await queryRows(db, 'update ai.copilot_turns set principal = ? where id = ?', [of, id]);
  return { sessionId: session.sessionId, turnId: id };
}

let step = 0;
const spend = (of: string, tokens: { input?: number; output?: number; usd?: string | null }) =>
  insertUsage(
    db,
    { turnId: of, key: 'step:1', epoch: 1 },
    {
      step: ++step,
      sessionId: null,
      model: 'demo',
      inputTokens: tokens.input ?? 0,
      cachedTokens: tokens.input ?? 0,
      outputTokens: tokens.output ?? 0,
      reasoningTokens: tokens.output ?? 0,
      costUsd: tokens.usd ?? null,
      estimated: false,
      latencyMs: 1,
      result: 'ok',
    },
  );

/** Whether a chat and a running turn find the budget used up. They must agree. */
async function isSpent(budgets: Partial<Budgets>): Promise<boolean> {
  const all = { ...NONE, ...budgets };
  const refused = await requireBudget(db, all, { principal, sessionId }).then(
    () => false,
    (error: unknown) => {
      assert.ok(error instanceof LimitError, String(error));
      return true;
    },
  );
  assert.equal(await isBudgetSpent(db, all, turnId), refused);
  return refused;
}

test('input and output tokens count, once each; at the budget nothing is left', async () => {
  await spend(turnId, { input: 60, output: 39 });
  for (const budget of ['tokensPerDay', 'tokensPerSession'] as const)
    assert.equal(await isSpent({ [budget]: 100 }), false);
  await spend(turnId, { output: 1 });
  for (const budget of ['tokensPerDay', 'tokensPerSession'] as const)
    assert.equal(await isSpent({ [budget]: 100 }), true);
  assert.equal(await isSpent({}), false);
});

test('dollars are added as decimals; a call without a price costs nothing', async () => {
  for (let n = 0; n < 10; n += 1) await spend(turnId, { usd: '0.01' });
  await spend(turnId, { input: 1_000_000, usd: null });
  for (const budget of ['usdPerDay', 'usdPerSession'] as const) {
    assert.equal(await isSpent({ [budget]: '0.10' }), true);
    assert.equal(await isSpent({ [budget]: '0.1000001' }), false);
  }
});

test('attempts without a report count nothing until their report comes', async () => {
  const fence = { turnId, key: 'step:1', epoch: 7 };
  await insertUsage(db, fence, { step: 1, ...LOST_ATTEMPT, inputTokens: 500 });
  assert.equal(await isSpent({ tokensPerDay: 100, tokensPerSession: 100 }), false);
  await insertUsage(db, fence, { ...LOST_ATTEMPT, step: 1, inputTokens: 500, estimated: false });
  assert.equal(await isSpent({ tokensPerDay: 100 }), true);
});

test('a session has its own budget, a principal one of all sessions; others spend theirs', async () => {
  const second = await newTurn(principal);
  const other = await newTurn(randomUUID());
  await spend(second.turnId, { input: 90 });
  await spend(other.turnId, { input: 90 });
  assert.equal(await isSpent({ tokensPerSession: 80, tokensPerDay: 100 }), false);
  await spend(turnId, { input: 20 });
  assert.equal(await isSpent({ tokensPerSession: 80, tokensPerDay: 110 }), true);
  assert.equal(await isSpent({ tokensPerSession: 80 }), false);
});

test('without a subject there is no budget of a day, only that of the session', async () => {
  const backend = await newTurn(null);
  await spend(backend.turnId, { input: 500 });
  const budgets = { ...NONE, tokensPerDay: 100 };
  await requireBudget(db, budgets, { principal: null, sessionId: backend.sessionId });
  assert.equal(await isBudgetSpent(db, budgets, backend.turnId), false);
  assert.equal(await isBudgetSpent(db, { ...NONE, tokensPerSession: 100 }, backend.turnId), true);
});

test('a day ends at midnight in UTC, wherever the database is', async () => {
  await spend(turnId, { input: 100 });
  const at = (time: string) =>
    db.raw(`update ai.copilot_usage set created_at = ${time} where turn_id = ?`, [turnId]);
  const midnight = `date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'`;
  await at(midnight);
  assert.equal(await isSpent({ tokensPerDay: 100 }), true);
  await at(`${midnight} - interval '1 ms'`);
  assert.equal(await isSpent({ tokensPerDay: 100 }), false);
  assert.equal(await isSpent({ tokensPerSession: 100 }), true);
});

test('the deletion of a session in the middle of a call forgets nothing of the day', async () => {
  await db.raw(`insert into ai.copilot_turn_claims (turn_id, key, epoch) values (?, 'step:900000', 1)`, [
    turnId,
  ]);
  await spend(turnId, { input: 50 });
  await db.raw('delete from ai.copilot_sessions where id = ?', [sessionId]);
  await insertUsage(
    db,
    { turnId, key: 'step:900000', epoch: 1 },
    { ...LOST_ATTEMPT, step: 900_000, sessionId, model: 'demo', inputTokens: 50, estimated: false },
  );
  const rows = await queryRows<{ n: number }>(
    db,
    'select count(*)::int as n from ai.copilot_usage where principal = ? and not estimated',
    [principal],
  );
  assert.deepEqual(rows, [{ n: 2 }]);
  await assert.rejects(
    requireBudget(db, { ...NONE, tokensPerDay: 100 }, { principal, sessionId: randomUUID() }),
    LimitError,
  );
});
