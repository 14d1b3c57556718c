/** The API process as a whole: it starts, fails and ends as its operators need. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { routes } from '../../../api/routes.ts';
import { startApi } from '../../../api/run-api.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { listOpenTurns } from '../../../db/turns/turn.ts';
import { loadConfig } from '../../../runtime/config.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { openStreamClient } from '../../support/stream-client.ts';
import { insertSession, insertTurn, signToken, silentLogger, TEST_SECRET } from '../../support/test-api.ts';

// Port 9 (discard) of the loopback: nothing listens there.
const AWAY = '127.0.0.1:9';
const options = (databaseUrl: string, port = '0') => ({
  config: loadConfig({ PORT: port }),
  databaseUrl,
  temporalAddress: AWAY,
  jwtSecret: TEST_SECRET,
  logger: silentLogger,
});

let database: Awaited<ReturnType<typeof createTestDatabase>>;
before(async () => {
  database = await createTestDatabase();
});
after(() => database?.drop());

test('starts without Postgres and Temporal, and says 503', async () => {
  const api = await startApi(options(`postgres://postgres@${AWAY}/postgres`));
  const headers = { Authorization: `Bearer ${await signToken()}`, 'Content-Type': 'application/json' };
  assert.equal((await fetch(`${api.url}/healthz`)).status, 200);
  const ready = await fetch(`${api.url}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal(((await ready.json()) as { problems: string[] }).problems.length, 2);
  for (const path of [`/api/copilot/sessions/${randomUUID()}/messages`, '/api/workflows']) {
    const response = await fetch(`${api.url}${path}`, { headers });
    assert.equal(response.status, 503);
    assert.match(((await response.json()) as { error: string }).error, /database is not reachable/);
  }
  await api.close();
});

test('what routes prepare is done before the API listens', async (t) => {
  const prepared: string[] = [];
  for (const route of routes) {
    const { path, prepare } = route;
    if (prepare === undefined) continue;
    route.prepare = () => {
      prepared.push(path);
      return prepare();
    };
    t.after(() => (route.prepare = prepare));
  }
  const api = await startApi(options(`postgres://postgres@${AWAY}/postgres`));
  assert.deepEqual(prepared.toSorted(), [
    '/api/openapi.json',
    '/docs',
    '/docs/favicon.png',
    '/docs/start.js',
    '/docs/viewer.css',
    '/docs/viewer.js',
  ]);
  await api.close();
});

test('without Temporal a chat is 503 and leaves no row', async () => {
  const db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
  const { sessionId } = await insertSession(db);
  const api = await startApi(options(database.url));
  const response = await fetch(`${api.url}/api/copilot/sessions/${sessionId}/chat`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await signToken()}`, 'Content-Type': 'application/json' },
    body: '{"message":"hi"}',
  });
  assert.equal(response.status, 503);
  assert.match(((await response.json()) as { error: string }).error, /workflow service/);
  assert.deepEqual(await listOpenTurns(db, { sessionId }), []);
  await api.close();
  await db.destroy();
});

test('a known model without a key can be chosen; a chat then is a 503 that says so, and leaves no row', async () => {
  const db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
  const { sessionId } = await insertSession(db);
  const api = await startApi(options(database.url));
  const headers = { Authorization: `Bearer ${await signToken()}`, 'Content-Type': 'application/json' };
  const choose = async (model: string): Promise<unknown> => {
    const response = await fetch(`${api.url}/api/copilot/settings/model`, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ model }),
    });
    return response.json();
  };
  assert.deepEqual(await choose('gpt-4o'), { ok: true, model: 'gpt-4o', available: false });
  const response = await fetch(`${api.url}/api/copilot/sessions/${sessionId}/chat`, {
    method: 'POST',
    headers,
    body: '{"message":"hi"}',
  });
  assert.equal(response.status, 503);
  assert.match(((await response.json()) as { error: string }).error, /No key .* gpt-4o/);
  assert.deepEqual(await listOpenTurns(db, { sessionId }), []);
  assert.deepEqual(await choose('demo'), { ok: true, model: 'demo', available: true });
  await api.close();
  await db.destroy();
});

test('a chat on a stored graph that is too deep to work with is a 409 that names the block', async () => {
  const db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
  const { sessionId, workflowId } = await insertSession(db);
  await db.raw(
    `insert into ai.workflow_blocks (id, workflow_id, type, name, config) values (?, ?, 'code', 'Deep One', ?::jsonb)`,
    [randomUUID(), workflowId, `{"deep":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  );
  const api = await startApi(options(database.url));
  const response = await fetch(`${api.url}/api/copilot/sessions/${sessionId}/chat`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await signToken()}`, 'Content-Type': 'application/json' },
    body: '{"message":"hi"}',
  });
  assert.equal(response.status, 409);
  assert.match(((await response.json()) as { error: string }).error, /Deep One/);
  await api.close();
  await db.destroy();
});

test('a taken port is an error with its code, and nothing is left open', async () => {
  const first = await startApi(options(database.url));
  await assert.rejects(startApi(options(database.url, String(first.port))), { code: 'EADDRINUSE' });
  await first.close();
  const again = await startApi(options(database.url, String(first.port)));
  assert.equal(again.url, `http://127.0.0.1:${first.port}`);
  await again.close();
});

test('closing ends open streams at once and takes less than five seconds', async () => {
  const db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
  const session = await insertSession(db);
  const turn = await insertTurn(db, session);
  const api = await startApi(options(database.url));
  const client = openStreamClient({
    port: api.port,
    path: `/api/copilot/sessions/${session.sessionId}/turns/${turn}/events`,
    headers: { Authorization: `Bearer ${await signToken()}`, Connection: 'keep-alive' },
  });
  await client.until((c) => c.body() !== '');
  const startedAt = performance.now();
  const closed = api.close();
  await client.until((c) => c.ended(), 1_500);
  await closed;
  await api.close();
  assert.ok(performance.now() - startedAt < 5_000);
  await db.destroy();
});
