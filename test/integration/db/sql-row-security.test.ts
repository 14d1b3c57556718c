/** Row level security: no view, part or login of ours shows a row that a policy hides. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sandboxRole } from '../../../db/sql-sandbox/role.ts';
import { type SqlTool, startSqlTool } from '../../support/sql-tool.ts';

let tool: SqlTool;
before(async () => {
  tool = await startSqlTool(['row-security-fixture.sql']);
});
after(() => tool.close());

/** Their rows, or those of a part, would come without the policies that hide them. */
const AROUND = `plain plain_off plain_barrier plain_join plain_sub plain_cte invoker_over_plain
  plain_over_invoker_over_plain stored stored_over_invoker invoker_over_stored deep_stored part_of_open part_of_open_1
  part_of_guarded_1 part_of_guarded_1_s parent_open child_open plain_over_part invoker_over_part`.split(
  /\s+/,
);
const BOUND =
  `guarded forced invoker invoker_yes invoker_over_invoker invoker_join part_of_guarded part_of_open_1_s
  parent_guarded child_guarded`.split(/\s+/);

test('what goes around the policies is refused, however it is named, and the role has no grant on it', async () => {
  for (const name of AROUND) {
    assert.match(JSON.stringify(await tool.raw(`select * from ${name}`)), /SENTINEL/, `${name} is no trap`);
    for (const sql of [
      `select * from ${name}`,
      `select count(*) from public."${name}"`,
      `select v from open union all select v from ${name}`,
      `with x as (select * from ${name}) select v from x`,
      `select (select max(v) from ${name}) from open`,
      `explain select * from ${name}`,
      `select * from jsonb_populate_record(null::${name}, '{}')`,
    ]) {
      const { isError, result } = await tool.ask(sql);
      assert.ok(isError && result.code === 'not_readable', `${sql}: ${JSON.stringify(result)}`);
    }
  }
  const { name: role } = sandboxRole(await databaseUrl());
  const { rows } = await tool.owner.query<{ relname: string }>(
    `select relname from pg_class where relname = any ($1) and has_table_privilege($2, oid, 'select')`,
    [AROUND, role],
  );
  assert.deepEqual(rows, []);
});

test('a table with policies, and a view that reads as who asks, show what the policies let through, and say so', async () => {
  for (const name of BOUND) {
    const { isError, result } = await tool.ask(`select v from ${name}`);
    assert.ok(!isError, `${name}: ${JSON.stringify(result)}`);
    const expected = /part|parent|child/.test(name) ? [] : [['mine']];
    assert.deepEqual(result.rows, expected, name);
    assert.match(result.notes?.[0] ?? '', new RegExp(`may hide rows of ${name}`));
    assert.equal((await tool.ask(`explain verbose select * from ${name}`)).result.code, 'not_readable');
  }
  for (const name of ['open', 'plain_open'])
    assert.deepEqual((await tool.ask(`select v from ${name}`)).result, {
      columns: [{ name: 'v', type: 'text' }],
      rows: [['mine']],
      row_count: 1,
      truncated: false,
    });
});

test('on a login that policies do not bind, all of them are refused', async () => {
  for (const name of [...BOUND, ...AROUND]) {
    const { isError, result } = await tool.ask(`select v from ${name}`, 'parser-only');
    assert.ok(isError && result.code === 'not_readable', `${name}: ${JSON.stringify(result)}`);
  }
  assert.equal((await tool.ask('select v from plain_open', 'parser-only')).isError, false);
});

test('a view that stops reading as who asks is refused at once', async () => {
  await tool.owner.query('alter view invoker reset (security_invoker)');
  for (const name of ['invoker', 'invoker_over_invoker'])
    assert.equal((await tool.ask(`select * from ${name}`)).result.code, 'not_readable');
  await tool.owner.query('alter view invoker set (security_invoker = true)');
  await tool.owner.query('alter table open enable row level security');
  assert.equal((await tool.ask('select * from plain_open')).result.code, 'not_readable');
  await tool.owner.query('alter table open disable row level security');
});

async function databaseUrl(): Promise<string> {
  const { rows } = await tool.owner.query<{ name: string }>('select current_database() as name');
  const url = new URL(process.env.COPILOT_TEST_DATABASE_URL!);
  url.pathname = `/${rows[0]!.name}`;
  return url.href;
}
