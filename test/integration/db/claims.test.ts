/** What a claim counts against its call, on a real database. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Knex } from 'knex';
import { createEventLog } from '../../../db/events/event-log.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { createTurnStore, type TurnStore } from '../../../db/turns/turn-store.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertSession, insertTurn } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
});
after(async () => {
  await db.destroy();
  await database.drop();
});

const newTurn = async (): Promise<string> => insertTurn(db, await insertSession(db));

/** Each store is a process of its own. */
const newProcess = (): TurnStore => createTurnStore(db);
const claim = (store: TurnStore, turnId: string, key: string, more: { over?: number; model?: string } = {}) =>
  store.claimWork({
    turnId,
    key,
    step: 1,
    onFirst: [],
    textBefore: async () => '',
    over: more.over ?? null,
    ...(more.model === undefined ? {} : { bill: { step: 1, model: more.model, onSwitch: () => [] } }),
  });
const entry = { step: 1, position: 1, role: 'tool' as const, body: '{}' };
const end = (turnId: string) =>
  newProcess().endTurn({
    turnId,
    steps: 1,
    outcome: { kind: 'complete', stopReason: 'done' },
    diff: () => null,
  });

test('a claim without a word of its end is a death, one that told Temporal or the database is none', async () => {
  const turnId = await newTurn();
  const deaths: number[] = [];
  for (let n = 0; n < 3; n++) deaths.push((await claim(newProcess(), turnId, 'call:a')).deaths);
  assert.deepEqual(deaths, [0, 1, 2]);

  const handedOver = await claim(newProcess(), turnId, 'call:b');
  const store = newProcess();
  assert.equal(await store.isSuspect({ turnId, key: 'call:b', over: null, deaths: 1 }), true);
  assert.equal(
    await store.isSuspect({ turnId, key: 'call:b', over: handedOver.fence.epoch, deaths: 1 }),
    false,
  );
  assert.equal(await store.isSuspect({ turnId, key: 'call:a', over: null, deaths: 3 }), true);
  assert.equal(await store.isSuspect({ turnId, key: 'call:a', over: null, deaths: 4 }), false);
  const next = await claim(store, turnId, 'call:b', { over: handedOver.fence.epoch });
  await store.recordFailure(next.fence);
  const after = await claim(newProcess(), turnId, 'call:b');
  await store.releaseClaim(after.fence);
  assert.equal((await claim(newProcess(), turnId, 'call:b')).deaths, 0);
});

test('of two calls that die with one worker, the death is counted against the one that had more', async () => {
  for (const order of [
    ['call:bad', 'step:2'],
    ['step:2', 'call:bad'],
  ]) {
    const [turn, other] = [await newTurn(), await newTurn()];
    const turnOf = (key: string): string => (key === 'call:bad' ? turn : other);
    await claim(newProcess(), turn, 'call:bad');
    const lost = newProcess();
    assert.equal((await claim(lost, turn, 'call:bad')).deaths, 1);
    assert.equal((await claim(lost, other, 'step:2')).deaths, 0);
    const heir = newProcess();
    const deaths: Record<string, number> = {};
    for (const key of order) deaths[key] = (await claim(heir, turnOf(key), key)).deaths;
    assert.deepEqual(deaths, { 'call:bad': 2, 'step:2': 0 });
    await Promise.all([end(turn), end(other)]);
  }
});

test('failures are counted in the claim, whatever its epoch; another model begins anew', async () => {
  const turnId = await newTurn();
  const store = newProcess();
  let over: number | undefined;
  // Attempts that a database fault ended: they count nothing.
  for (let n = 0; n < 8; n++)
    over = (await claim(store, turnId, 'step:1', over === undefined ? {} : { over })).fence.epoch;
  const { fence, deaths } = await claim(store, turnId, 'step:1', { over: over! });
  assert.deepEqual([fence.epoch, deaths], [9, 0]);
  const first = await store.recordFailure(fence);
  const second = await store.recordFailure((await claim(store, turnId, 'step:1')).fence);
  assert.deepEqual([first!.failures, second!.failures], [1, 2]);
  assert.ok(second!.sinceMs >= 0 && second!.sinceMs < 60_000);
  assert.equal(await store.recordFailure(fence), null, 'an old fence counts nothing');
  const switched = await claim(store, turnId, 'step:1', { model: 'demo-2' });
  assert.equal((await store.recordFailure(switched.fence))!.failures, 1);
});

test('a newer claim and a turn that is over are two errors', async () => {
  const turnId = await newTurn();
  const store = newProcess();
  const { signal } = new AbortController();
  const old = await claim(store, turnId, 'call:a');
  const now = await claim(store, turnId, 'call:a');
  await assert.rejects(store.saveWork(old.fence, { entry, events: [] }, signal), { code: 'FENCED' });
  await end(turnId);
  await assert.rejects(store.saveWork(now.fence, { entry, events: [] }, signal), { code: 'TURN_OVER' });
  await assert.rejects(claim(store, turnId, 'call:c'), { code: 'TURN_OVER' });
});

test('reasoning that was shown is taken back by the next claim as text is', async () => {
  const turnId = await newTurn();
  const events = createEventLog({ databaseUrl: database.url, onError: () => undefined });
  const first = await claim(newProcess(), turnId, 'step:1');
  await events.open(first.fence).append([{ event: 'reasoning_delta', step: 1, delta: 'Hm.' }]);
  await claim(newProcess(), turnId, 'step:1');
  const { rows } = await db.raw<{ rows: { event: string }[] }>(
    'select event from ai.copilot_turn_events where turn_id = ? order by seq',
    [turnId],
  );
  assert.deepEqual(
    rows.map(({ event }) => event),
    ['reasoning_delta', 'content_reset'],
  );
  await events.close();
});
