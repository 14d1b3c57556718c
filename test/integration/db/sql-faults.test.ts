/** The database of a query is away, full, or has another password: a result, soon. A backend that does not stop: no query runs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect as connectTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { ToolRegistry } from '../../../activities/tools/registry.ts';
import type { ToolContext } from '../../../activities/tools/tool.ts';
import { sandboxRole } from '../../../db/sql-sandbox/role.ts';
import { withSandboxConnection } from '../../../db/sql-sandbox/run-query.ts';
import { createSqlSandbox } from '../../../db/sql-sandbox/sql-sandbox.ts';
import { createSurvivorWatch } from '../../../db/sql-sandbox/survivors.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { productTools } from '../../support/product-tools.ts';
import { silentLogger } from '../../support/test-api.ts';

/** Well under the 30 s of the activity. */
const ANSWER_MS = 12_000;
const LONG = 'select count(*) from generate_series(1, 3000000000)';
/** About three seconds on an idle core, without a look at cancels. */
const DEAF = `select length(translate(repeat('x', 300000), repeat('y', 1000), ''))`;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let owner: pg.Client;
let role: { name: string; url: string };
const servers: Server[] = [];

before(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.url });
  owner.on('error', () => undefined);
  await owner.connect();
  await owner.query('create table fruits as select 1 as id');
  role = sandboxRole(database.url);
});
after(async () => {
  for (const server of servers) server.close();
  await owner.end();
  await database.drop();
});

function toolsOn(sqlDatabaseUrl?: string, databaseUrl = database.url): ToolRegistry {
  const sandbox = createSqlSandbox({
    databaseUrl,
    config: { sqlDatabaseUrl, sqlMode: 'role' },
    logger: silentLogger,
  });
  return productTools(['execute_public_sql'], { sandbox });
}

interface Answer {
  rows?: unknown[][];
  code?: string;
  error?: string;
}

async function ask(tools: ToolRegistry, sql = 'select id from fruits'): Promise<Answer> {
  const startedAt = performance.now();
  const { result, isError } = await tools.run('execute_public_sql', { sql }, {
    signal: new AbortController().signal,
  } as ToolContext);
  const answer = result as Answer;
  assert.equal(isError, answer.rows === undefined);
  assert.ok(performance.now() - startedAt < ANSWER_MS, `an answer after ${performance.now() - startedAt} ms`);
  return answer;
}

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

test('a role that can not log in any more is mended before the answer', async () => {
  const tools = toolsOn();
  assert.deepEqual((await ask(tools)).rows, [[1]]);
  const faults = [
    `alter role ${role.name} password 'another'`,
    `alter role ${role.name} nologin`,
    `revoke connect on database ${new URL(database.url).pathname.slice(1)} from public; revoke connect on database ${new URL(database.url).pathname.slice(1)} from ${role.name}`,
    `drop owned by ${role.name}; drop role ${role.name}`,
  ];
  for (const fault of faults) {
    await owner.query(fault);
    assert.deepEqual((await ask(tools)).rows, [[1]], fault);
  }
});

test('a database that can not be asked is a result, and the tool comes back with it', async () => {
  const tools = toolsOn();
  assert.deepEqual((await ask(tools)).rows, [[1]]);
  // 53300: too many connections.
  await owner.query(`alter role ${role.name} connection limit 0`);
  assert.equal((await ask(tools)).code, 'unavailable');
  await owner.query(`alter role ${role.name} connection limit 32`);
  assert.deepEqual((await ask(tools)).rows, [[1]]);

  const closed = await listen(() => undefined);
  servers.pop()!.close();
  const silent = await listen(() => undefined);
  const noDatabase = new URL(database.url);
  noDatabase.pathname = '/there_is_none';
  for (const url of [withPort(role.url, closed), withPort(role.url, silent), noDatabase.href])
    assert.equal((await ask(toolsOn(url))).code, 'unavailable', url);
  for (const port of [closed, silent])
    assert.equal((await ask(toolsOn(undefined, withPort(database.url, port)))).code, 'unavailable');
});

test('a connection that is lost, or falls silent, in the middle of a query is a result', async () => {
  const target = new URL(database.url);
  const links = new Set<Socket>();
  let silent = false;
  const port = await listen((socket) => {
    const upstream = connectTcp(Number(target.port), target.hostname);
    upstream.on('error', () => undefined);
    links.add(socket);
    socket.on('close', () => upstream.destroy());
    socket.on('data', (chunk) => void (silent || upstream.write(chunk)));
    upstream.on('data', (chunk) => void (silent || socket.write(chunk)));
  });
  const tools = toolsOn(withPort(role.url, port));
  assert.deepEqual((await ask(tools)).rows, [[1]]);

  const reset = ask(tools, LONG);
  const cutter = setInterval(() => {
    for (const link of links) link.resetAndDestroy();
    links.clear();
  }, 300);
  assert.equal((await reset).code, 'unavailable');
  clearInterval(cutter);

  const ended = ask(tools, LONG);
  const killer = setInterval(
    () =>
      void owner.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and query like '%generate_series%' and state = 'active'`,
        [role.name],
      ),
    300,
  );
  assert.equal((await ended).code, 'unavailable');
  clearInterval(killer);

  silent = true;
  assert.ok(['unavailable', 'timeout'].includes((await ask(tools)).code!));
  silent = false;
  assert.deepEqual((await ask(tools)).rows, [[1]]);
});

test('SQL is off while a backend goes on after its cancel, and comes back by itself', async () => {
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (_: object, message: string) => void errors.push(message) };
  const watch = createSurvivorWatch({ databaseUrl: role.url, logger: logger as typeof silentLogger });
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 300);
  const running = withSandboxConnection(
    role.url,
    { signal: abort.signal, until: performance.now() + 7_000, onStopped: watch.watch },
    (connection) => connection.query(DEAF),
  );
  await assert.rejects(running, { code: 'cancelled' });
  await assert.rejects(watch.check(), { name: 'SqlRefusal', code: 'unavailable' });
  assert.deepEqual(watch.counts(), { total: 1, alive: 1 });
  assert.match(errors.join(), /goes on after its cancel/);
  for (const until = Date.now() + 60_000; watch.counts().alive > 0; await delay(100))
    assert.ok(Date.now() < until, 'the survivor is gone, and nobody noticed');
  await watch.check();
  assert.equal(watch.counts().total, 1);
});

test('a backend that reacts to its cancel leaves the tool on', async () => {
  const watch = createSurvivorWatch({ databaseUrl: role.url, logger: silentLogger });
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 300);
  const running = withSandboxConnection(
    role.url,
    { signal: abort.signal, until: performance.now() + 7_000, onStopped: watch.watch },
    (connection) => connection.query(LONG),
  );
  await assert.rejects(running, { code: 'cancelled' });
  await watch.check();
  assert.deepEqual(watch.counts(), { total: 0, alive: 0 });
});

test('a worker respects the survivor of another one', async () => {
  const other = new pg.Client({ connectionString: role.url, application_name: 'copilot-sql' });
  other.on('error', () => undefined);
  await other.connect();
  await other.query('set statement_timeout = 0');
  const deaf = other.query('select pg_sleep(60)').catch(() => undefined);
  const tools = toolsOn();
  try {
    for (const until = Date.now() + 30_000; ; await delay(500)) {
      const answer = await ask(tools);
      if (answer.code === 'unavailable') break;
      assert.ok(Date.now() < until, JSON.stringify(answer));
    }
  } finally {
    await owner.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1', [
      role.name,
    ]);
    await deaf;
    await other.end().catch(() => undefined);
  }
  assert.deepEqual((await ask(tools)).rows, [[1]]);
});
