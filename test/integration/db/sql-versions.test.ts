/** The SQL sandbox on each major version of Postgres that it promises to run on, and on a standby. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createSqlSandbox, type SqlSandbox } from '../../../db/sql-sandbox/sql-sandbox.ts';
import { findWeaknesses } from '../../../db/sql-sandbox/self-test.ts';
import { roleScript } from '../../../db/sql-sandbox/role.ts';
import { measureFunctionCosts } from '../../support/function-costs.ts';
import { findVersion, startServer, startStandby, type TestServer } from '../../support/postgres-versions.ts';
import { isSoak } from '../../support/repeats.ts';
import { silentLogger } from '../../support/test-api.ts';

/** Refused because of a function of the fixture that is renamed here. */
const LOWER_TRAP = 'SELECT lower(title) FROM products';

const fixture = (file: string) =>
  readFileSync(new URL(`../../fixtures/sql/${file}`, import.meta.url), 'utf8');
const lines = (file: string) =>
  fixture(file)
    .split('\n')
    .filter((line) => line !== '' && line !== LOWER_TRAP);
/** Words of the language and functions that came after Postgres 15, and what an older server says of them. */
const NEWER =
  /\bjson_(table|value|query|exists|object|array|scalar|serialize|objectagg|arrayagg)\b|\bjson\(|is json|casefold|crc32|uuidv|random\(\w|any_value|range_agg|\bgamma\b|erf|to_bin|to_oct|array_(sample|shuffle|sort|reverse)|date_(add|subtract)|random_normal|U&|system_user|unistr/i;
const NOT_KNOWN = /^(42601|42883|42704|0A000)/;

function sandboxOn(databaseUrl: string, sqlDatabaseUrl?: string): SqlSandbox {
  return createSqlSandbox({
    databaseUrl,
    config: { sqlDatabaseUrl, sqlMode: 'role' },
    logger: silentLogger,
  });
}

async function onServer(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

interface Sample {
  must: 'reject' | 'no_effect' | 'allow';
  sql: string;
}

async function checkLists(sandbox: SqlSandbox, of: { samplesOnly?: boolean } = {}): Promise<string[]> {
  const ask = (sql: string) =>
    sandbox.query(sql, new AbortController().signal).then(
      () => 'rows',
      (error: unknown) =>
        error instanceof Error && error.name === 'SqlRefusal' ? error.message : `threw ${String(error)}`,
    );
  const samples = JSON.parse(fixture('samples.json')) as Sample[];
  const honest = [
    ...(of.samplesOnly ? [] : lines('honest.sql')),
    ...samples.filter(({ must }) => must === 'allow').map(({ sql }) => sql),
  ];
  const hostile = [
    ...(of.samplesOnly ? [] : lines('hostile.sql')),
    ...samples.filter(({ must }) => must === 'reject').map(({ sql }) => sql),
  ];
  const wrong: string[] = [];
  for (const sql of honest) {
    const said = await ask(sql);
    if (said !== 'rows' && !(NEWER.test(sql) && NOT_KNOWN.test(said))) wrong.push(`${sql}\n    ${said}`);
  }
  for (const sql of hostile) {
    const said = await ask(sql);
    if (said === 'rows' || said.startsWith('threw')) wrong.push(`${sql}\n    ${said}`);
  }
  return wrong;
}

async function fill(server: TestServer): Promise<void> {
  await onServer(
    server.url,
    'create schema if not exists ai; create table ai.copilot_sessions (id int)',
    fixture('fixture.sql'),
    fixture('more-fixture.sql'),
    // The trap named lower is in the way of an ordinary name.
    'alter function public.lower(int) rename to lower_trap',
  );
}

for (const major of [15, 16, 17]) {
  test(`Postgres ${major}: what must run runs, what must not does not, and a cancel ends each function`, async (t) => {
    const found = await findVersion(major);
    if ('missing' in found) return t.skip(found.missing);
    const server = await startServer(found.bin);
    try {
      await fill(server);
      assert.deepEqual(await checkLists(sandboxOn(server.url), { samplesOnly: !isSoak }), []);
      // `npm test` measures the functions of the embedded version only.
      if (!isSoak) return;
      const { slow, uncalled } = await measureFunctionCosts(server.url);
      assert.deepEqual(slow, []);
      assert.deepEqual([...uncalled], []);
    } finally {
      await server.stop();
    }
  });
}

test('queries run on a standby, with the role of the primary', async (t) => {
  const found = await findVersion(17);
  if ('missing' in found) return t.skip(found.missing);
  const primary = await startServer(found.bin);
  let standby: TestServer | null = null;
  try {
    await fill(primary);
    // As an operator makes it, from the statements that the tool answers with.
    const script = (await roleScript(primary.url)).replace('<choose one>', 'chosen');
    await onServer(primary.url, script);
    standby = await startStandby(primary);
    const url = new URL(standby.url);
    url.username = 'copilot_sql';
    url.password = 'chosen';
    assert.deepEqual(await findWeaknesses(url.href, { ownRole: true }), []);
    const sandbox = sandboxOn(primary.url, url.href);
    const recovering = new pg.Client({ connectionString: standby.url });
    await recovering.connect();
    assert.deepEqual((await recovering.query('select pg_is_in_recovery() as is')).rows, [{ is: true }]);
    await recovering.end();
    assert.deepEqual(await checkLists(sandbox, { samplesOnly: true }), []);
    // A new table comes with what the standby replays; its grant is the operator's.
    await onServer(primary.url, 'create table late as select 7 as a; grant select on late to copilot_sql');
    for (const until = Date.now() + 20_000; ; await delay(100)) {
      const rows = await sandbox.query('select a from late', new AbortController().signal).then(
        (result) => result.rows,
        () => null,
      );
      if (rows) {
        assert.deepEqual(rows, [['7']]);
        break;
      }
      assert.ok(Date.now() < until, 'the standby does not follow');
    }
    await standby.stop();
    standby = null;
    const away = await sandbox
      .query('select 1', new AbortController().signal)
      .catch((error: unknown) => error);
    assert.equal((away as { code?: string }).code, 'unavailable');
  } finally {
    await standby?.stop();
    await primary.stop();
  }
});
