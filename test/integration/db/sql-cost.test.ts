/** What one row of a query may cost: each function at its largest arguments, and queries that look for a way around. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { FUNCTION_COSTS } from '../../../db/sql-sandbox/allowed-functions.ts';
import { sandboxRole } from '../../../db/sql-sandbox/role.ts';
import { createSqlSandbox, type SqlSandbox } from '../../../db/sql-sandbox/sql-sandbox.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { measureFunctionCosts } from '../../support/function-costs.ts';
import { silentLogger } from '../../support/test-api.ts';

const CANCEL_AFTER_MS = 300;
/** One second for the backend, and as much for a machine that has more to do. */
const GONE_WITHIN_MS = 2_000;

const fixture = (file: string) =>
  readFileSync(new URL(`../../fixtures/sql/${file}`, import.meta.url), 'utf8');
const lines = (file: string) =>
  fixture(file)
    .split('\n')
    .filter((line) => line !== '');

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let owner: pg.Client;
let sandbox: SqlSandbox;

before(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.url });
  owner.on('error', () => undefined);
  await owner.connect();
  await owner.query(fixture('fixture.sql'));
  await owner.query('create table contacts (email text)');
  sandbox = createSqlSandbox({
    databaseUrl: database.url,
    config: { sqlDatabaseUrl: undefined, sqlMode: 'role' },
    logger: silentLogger,
  });
  await sandbox.prepare();
});
after(async () => {
  await owner.end();
  await database.drop();
});

test('a cancel ends every allowed function within a second, at its largest arguments', async () => {
  const { known, uncalled, slow } = await measureFunctionCosts(database.url);
  assert.deepEqual(slow, []);
  assert.deepEqual([...uncalled], [], 'each function has a call that the server takes');
  assert.deepEqual(
    [...FUNCTION_COSTS.keys()].filter((name) => !known.has(name)),
    [],
    'each name on the list is a function of the newest server',
  );
});

test('a function that is neither cheap nor interruptible has limits', () => {
  for (const [name, { cost, limits }] of FUNCTION_COSTS)
    assert.ok(cost === 'constant' || limits.some((limit) => limit !== 'none'), name);
});

test('queries that would go on after their cancel are refused, or end', async () => {
  const { name } = sandboxRole(database.url);
  const slow: string[] = [];
  for (const sql of lines('costly.sql')) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), CANCEL_AFTER_MS);
    await sandbox.query(sql, abort.signal).catch((error: unknown) => {
      if (!(error instanceof Error) || error.name !== 'SqlRefusal') throw error;
    });
    clearTimeout(timer);
    const since = performance.now();
    for (;;) {
      const { rows } = await owner.query(
        `select 1 from pg_stat_activity where usename = $1 and application_name = 'copilot-sql' and state = 'active'`,
        [name],
      );
      if (rows.length === 0) break;
      if (performance.now() - since > GONE_WITHIN_MS) {
        slow.push(sql.slice(0, 200));
        await delay(10_000);
        break;
      }
      await delay(10);
    }
  }
  assert.deepEqual(slow, []);
  assert.equal(sandbox.survivors().total, 0);
});

test('analytical queries give their rows, with the names that the server gives to columns', async () => {
  const wrong: string[] = [];
  for (const sql of lines('analytical.sql')) {
    const [{ columns }, described] = await Promise.all([
      sandbox.query(sql, new AbortController().signal).catch((error: unknown) => {
        wrong.push(`${sql}\n    ${String(error)}`);
        return { columns: null };
      }),
      owner.query({ text: sql, rowMode: 'array' }),
    ]);
    if (columns)
      assert.deepEqual(
        columns.map((column) => [column.name, column.typeOid]),
        described.fields.map((field) => [field.name, field.dataTypeID]),
        sql,
      );
  }
  assert.deepEqual(wrong, []);
});

test('the rows are those of the query as it was written', async () => {
  for (const sql of lines('analytical.sql')) {
    if (/now\(|explain/.test(sql)) continue;
    const { rows } = await sandbox.query(sql, new AbortController().signal);
    const plain = await owner.query<(string | null)[]>({
      text: sql,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value },
    });
    assert.deepEqual(rows, plain.rows.slice(0, 200), sql);
  }
});

test('a value over the limit is told as what it is', async () => {
  const refused = sandbox.query(
    `select translate(repeat('x', 110000), repeat('y', 110000), '')`,
    new AbortController().signal,
  );
  await assert.rejects(refused, { name: 'SqlRefusal', code: 'too_expensive' });
});
