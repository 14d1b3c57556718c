/** Requests that wait for a row which somebody holds keep no other request waiting. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { inLane } from '../../../db/connection/lanes.ts';
import { LANES } from '../../../runtime/bounds.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { insertSession, startTestApi, type TestApi } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let other: Knex;
let api: TestApi;

before(async () => {
  database = await createTestDatabase();
  other = createKnex({ databaseUrl: database.url, applicationName: 'somebody' });
  api = await startTestApi({ databaseUrl: database.url });
});
after(async () => {
  await api.close();
  await other.destroy();
  await database.drop();
});

const call = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${api.url}/api${path}`, {
    method,
    headers: { ...api.headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** How many statements of the API wait for a lock. */
async function blocked(): Promise<number> {
  const { rows } = await other.raw<{ rows: { n: number }[] }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]!.n;
}

/** Makes many requests that wait for a held row, and others beside them; the many must end as 503. */
async function whileHeld(table: string, id: string, ask: () => Promise<Response>, width = 1): Promise<void> {
  const holder = await other.transaction();
  try {
    await holder.raw('set local idle_in_transaction_session_timeout = 0');
    await holder.raw('select 1 from ??.?? where id = ? for update', ['ai', table, id]);
    const waiting = Array.from({ length: 40 }, ask);
    while ((await blocked()) < width) await new Promise((resolve) => setTimeout(resolve, 5));
    const startedAt = performance.now();
    const free = await Promise.all(Array.from({ length: 10 }, () => call('GET', '/workflows')));
    assert.deepEqual(new Set(free.map(({ status }) => status)), new Set([200]));
    assert.ok(performance.now() - startedAt < 1_000, 'a request that needs no held row is answered at once');
    assert.equal(await blocked(), width, 'few connections wait for the row, not one for each request');
    for (const response of await Promise.all(waiting)) {
      assert.equal(response.status, 503);
      assert.match(((await response.json()) as { error: string }).error, /Something else was changing/);
      assert.ok(response.headers.get('retry-after'));
    }
  } finally {
    await holder.rollback();
  }
}

test('a held workflow row takes few connections from the pool', async () => {
  const { workflowId } = await insertSession(other);
  const write = () => call('PUT', `/workflows/${workflowId}/graph`, { blocks: [], edges: [] });
  await whileHeld('workflows', workflowId, write);
  const open = () => call('POST', '/copilot/sessions', { workflow_id: workflowId });
  await whileHeld('workflows', workflowId, open, 4);
  assert.equal((await write()).status, 200, 'once the row is free, changes are made again');
});

test('a held session row takes one connection from the pool', async () => {
  const { sessionId } = await insertSession(other);
  await whileHeld('copilot_sessions', sessionId, () => call('DELETE', `/copilot/sessions/${sessionId}`));
  assert.equal((await call('DELETE', `/copilot/sessions/${sessionId}`)).status, 204);
});

test('changes of many things leave a part of the pool to others', async () => {
  let running = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 3 * LANES.atOnce }, (_, n) =>
      inLane(api.db, randomUUID(), async () => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setImmediate(resolve));
        order.push(n);
        running -= 1;
      }),
    ),
  );
  assert.equal(most, LANES.atOnce);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
    'in the order in which they came',
  );
});

test('a change that fails lets the next one in', async () => {
  const failing = inLane(api.db, 'one', async () => {
    throw new Error('as it should');
  });
  const next = inLane(api.db, 'one', async () => 'in');
  await assert.rejects(failing, /as it should/);
  assert.equal(await next, 'in');
});
