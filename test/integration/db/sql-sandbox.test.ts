/**
 * execute_public_sql against a database full of traps: allowed queries run, all others reveal nothing. One file, because the
 * tests share the database with its traps.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import type { Knex } from 'knex';
import type { ToolRegistry } from '../../../activities/tools/registry.ts';
import type { ToolContext } from '../../../activities/tools/tool.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { createSqlSandbox, type SandboxConfig } from '../../../db/sql-sandbox/sql-sandbox.ts';
import { sandboxRole } from '../../../db/sql-sandbox/role.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { productTools } from '../../support/product-tools.ts';
import { silentLogger } from '../../support/test-api.ts';

interface Sample {
  id: string;
  must: 'reject' | 'no_effect' | 'allow';
  sql: string;
  check?: { sql: string; expect: string };
  expect?: string[][];
  max_ms?: number;
}
interface Answer {
  ms: number;
  isError: boolean;
  text: string;
  result: {
    columns?: { name: string; type: string }[];
    rows?: unknown[][];
    row_count?: number;
    truncated?: boolean;
    notes?: string[];
    error?: string;
    code?: string;
    hint?: string;
  };
}

const fixture = (file: string) =>
  readFileSync(new URL(`../../fixtures/sql/${file}`, import.meta.url), 'utf8');
const lines = (file: string) =>
  fixture(file)
    .split('\n')
    .filter((line) => line !== '');
const SETTINGS: SandboxConfig = { sqlDatabaseUrl: undefined, sqlMode: 'role' };

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let owner: Knex;
let tools: ToolRegistry;

before(async () => {
  database = await createTestDatabase();
  owner = createKnex({ databaseUrl: database.url, applicationName: 'owner' });
  await owner.raw(escaped(fixture('fixture.sql')));
  await owner.raw(escaped(fixture('more-fixture.sql')));
  await owner.raw(
    `do $$ begin execute format('alter database %I set app.settings.jwt_secret = %L', current_database(), 'SENTINEL-jwt'); end $$`,
  );
  tools = toolsOn(SETTINGS);
});
after(async () => {
  await owner.destroy();
  await database.drop();
});

/** knex takes a question mark for a parameter. */
function escaped(sql: string): string {
  return sql.replaceAll('?', '\\?');
}

function toolsOn(config: SandboxConfig, url = database.url): ToolRegistry {
  const sandbox = createSqlSandbox({ databaseUrl: url, config, logger: silentLogger });
  return productTools(['execute_public_sql'], { sandbox });
}

async function ask(
  sql: unknown,
  on: ToolRegistry = tools,
  signal = new AbortController().signal,
): Promise<Answer> {
  const startedAt = performance.now();
  const outcome = await on.run('execute_public_sql', { sql }, { signal } as ToolContext);
  const text = JSON.stringify(outcome.result);
  assert.ok(text.length <= 16_000, `a result of ${text.length} characters`);
  assert.ok(!text.includes('SENTINEL'), `${JSON.stringify(sql)} shows ${text}`);
  return { ms: performance.now() - startedAt, isError: outcome.isError, text, result: outcome.result };
}

async function scalar(sql: string): Promise<string> {
  const { rows } = await owner.raw<{ rows: Record<string, unknown>[] }>(escaped(sql));
  const value = Object.values(rows[0]!)[0];
  return typeof value === 'boolean' ? (value ? 't' : 'f') : String(value);
}

/** Waits until no query of the sandbox is left on the server; fails after a while. */
async function untilQuiet(): Promise<void> {
  const { name } = sandboxRole(database.url);
  for (const until = Date.now() + 2_000; ; await delay(20)) {
    const left = await scalar(`select count(*) from pg_stat_activity where usename = '${name}'`);
    if (left === '0') return;
    assert.ok(Date.now() < until, `${left} sessions are left on the server`);
  }
}

/** The rows of a table that may be too new for its grant, which must come within 30 s. */
async function rowsSoon(sql: string): Promise<unknown[][]> {
  for (const until = Date.now() + 30_000; ; await delay(50)) {
    const { result } = await ask(sql);
    if (result.rows) return result.rows;
    assert.ok(result.code === 'not_readable' && Date.now() < until, JSON.stringify(result));
  }
}

for (const sample of JSON.parse(fixture('samples.json')) as Sample[]) {
  test(`sample ${sample.id}: ${sample.must}`, async () => {
    const { isError, result, ms } = await ask(sample.sql);
    if (sample.must === 'reject') assert.ok(isError && result.rows === undefined, JSON.stringify(result));
    if (sample.must === 'allow') {
      assert.ok(!isError, JSON.stringify(result));
      if (sample.expect)
        assert.deepEqual(
          result.rows!.map((row) => row.map(String)),
          sample.expect,
        );
    }
    if (sample.check) assert.equal(await scalar(sample.check.sql), sample.check.expect);
    assert.ok(ms < (sample.max_ms ?? 8_000));
  });
}

test('every honest query runs', async () => {
  const wrong: string[] = [];
  // The trap named lower is in the way of an ordinary name; without it the list is judged as it would be anywhere.
  await owner.raw('alter function public.lower(int) rename to lower_trap');
  try {
    for (const sql of lines('honest.sql')) {
      const { isError, text } = await ask(sql);
      if (isError) wrong.push(`${sql}\n    ${text.slice(0, 300)}`);
    }
  } finally {
    await owner.raw('alter function public.lower_trap(int) rename to lower');
  }
  assert.deepEqual(wrong, []);
});

test('every hostile query is refused with words that help, and changes nothing', async () => {
  const before = await scalar(
    "select md5(string_agg(t::text, '')) from (select * from sales union all select id, null, null, null from products) t",
  );
  const wrong: string[] = [];
  for (const sql of lines('hostile.sql')) {
    const { isError, text, result } = await ask(sql);
    if (!isError || !result.error || !result.code) wrong.push(`${sql}\n    ${text.slice(0, 300)}`);
  }
  assert.deepEqual(wrong, []);
  assert.equal(
    await scalar(
      "select md5(string_agg(t::text, '')) from (select * from sales union all select id, null, null, null from products) t",
    ),
    before,
  );
  // In this database: the tests beside this one lock theirs.
  assert.equal(
    await scalar(
      `select count(*) from pg_locks where locktype = 'advisory'
       and database = (select oid from pg_database where datname = current_database())`,
    ),
    '0',
  );
  await untilQuiet();
});

test('a refusal says what is allowed', async () => {
  const { result } = await ask('select * from ai.agents');
  assert.match(result.error!, /ai\.\* is not readable/);
  assert.match(result.hint!, /get_asset_details/);
  assert.match((await ask('select * from product')).result.hint!, /Nearest: products/);
  assert.match((await ask("select lower('A')")).result.hint!, /pg_catalog\.lower/);
  assert.match((await ask('select tittle from products')).result.error!, /42703.*tittle/);
  assert.match((await ask('select 1/0')).result.error!, /22012/);
  assert.match((await ask('selec 1')).result.error!, /syntax error/);
});

test('values come as JSON where JSON can hold them, as text elsewhere', async () => {
  const { result } = await ask(
    `select 1, 9007199254740991::bigint, 9007199254740992::bigint, 1.50::numeric, true, null, '{"a":[1]}'::jsonb,
       'x'::bytea, timestamp '2024-01-01', '{1,2}'::int[], 1.5::float8, 'ok'::mood`,
  );
  assert.deepEqual(result.rows, [
    [
      1,
      9007199254740991,
      '9007199254740992',
      '1.50',
      true,
      null,
      { a: [1] },
      '\\x78',
      '2024-01-01 00:00:00',
      '{1,2}',
      '1.5',
      'ok',
    ],
  ]);
  assert.deepEqual(
    result.columns!.map(({ type }) => type),
    [
      'integer',
      'bigint',
      'bigint',
      'numeric',
      'boolean',
      'text',
      'jsonb',
      'bytea',
      'timestamp without time zone',
      'integer[]',
      'double precision',
      'mood',
    ],
  );
});

test('JSON whose numbers JavaScript would change stays the text that it is', async () => {
  const { result } = await ask(
    `select '{"id": 9007199254740993}'::jsonb, '[12345678901234567890]'::json, '[1e400]'::json, '[0.1234567890123456789]'::jsonb,
       '[1e-400]'::json, '[1.50, 0.0, -0.5, 1e3, 9007199254740991, 100000000000000000000]'::jsonb, 'null'::jsonb`,
  );
  assert.deepEqual(result.rows, [
    [
      '{"id": 9007199254740993}',
      '[12345678901234567890]',
      '[1e400]',
      '[0.1234567890123456789]',
      '[1e-400]',
      [1.5, 0, -0.5, 1000, 9007199254740991, 100000000000000000000],
      null,
    ],
  ]);
});

test('at most 200 rows and 16,000 characters, and a word on what is left out', async () => {
  const many = (await ask('select n from generate_series(1, 1000) n')).result;
  assert.deepEqual([many.row_count, many.rows!.length, many.truncated], [200, 200, true]);
  const exact = (await ask('select n from generate_series(1, 200) n')).result;
  assert.deepEqual([exact.row_count, exact.truncated], [200, false]);
  const wide = (await ask(`select repeat('x', 900) from generate_series(1, 100)`)).result;
  assert.ok(wide.row_count! > 10 && wide.row_count! < 20 && wide.truncated && wide.hint);
  assert.match(String((await ask(`select repeat('x', 5000)`)).result.rows![0]![0]), /\.\.\. \[truncated\]$/);
  assert.equal(
    (await ask('select ' + Array.from({ length: 1600 }, (_, i) => `1 as c${i}`).join(','))).isError,
    true,
  );
});

test('poison: the process lives, the answer comes within 8 s, nothing is left on the server', async () => {
  const poison = [
    `select repeat('x', 600000000)`,
    `select repeat('x', 1000000) from generate_series(1, 1000)`,
    'copy products to stdout',
    'with recursive r(n) as (select 1 union all select n + 1 from r) select * from r where n < 0',
    'with recursive r(n) as (select 1 union all select n + 1 from r) select n from r',
    'select n from generate_series(1, 200000000) n order by md5(n::text) limit 1',
    'select count(*) from generate_series(1, 3000000) a(x), generate_series(1, 3000000) b(x)',
    'select length(array_agg(n)::text) from generate_series(1, 30000000) n',
    `select regexp_replace(repeat('a', 5000), '(a+)+$', 'b')`,
    'select ' + '('.repeat(9_000) + '1' + ')'.repeat(9_000),
    'select ' + 'not '.repeat(4_000) + 'true',
    'select 1' + ' + 1'.repeat(4_900),
    'select ' + 'case when true then '.repeat(600) + '1' + ' end'.repeat(600),
    'select * from ' + '(select * from '.repeat(500) + 'products' + ') s'.repeat(500),
  ];
  for (const sql of poison) {
    const { ms } = await ask(sql);
    assert.ok(ms < 8_000, `${sql.slice(0, 80)} took ${Math.round(ms)} ms`);
    await untilQuiet();
  }
  assert.equal((await ask('select 1')).isError, false);
});

test('twenty queries at once: four run, the others wait or are told so; a cancelled one leaves the server', async () => {
  const answers = Promise.all(
    Array.from({ length: 20 }, () => ask('select count(*) from generate_series(1, 300000)')),
  );
  const { name } = sandboxRole(database.url);
  let most = 0;
  let done = false;
  void answers.finally(() => (done = true));
  while (!done) {
    most = Math.max(
      most,
      Number(
        await scalar(`select count(*) from pg_stat_activity where usename = '${name}' and state = 'active'`),
      ),
    );
  }
  for (const { isError, result } of await answers)
    assert.ok(!isError || result.code === 'busy', JSON.stringify(result));
  assert.ok(most <= 4, `${most} ran at once`);

  const abort = new AbortController();
  const slow = ask('select count(*) from generate_series(1, 1000000000)', tools, abort.signal);
  while (
    (await scalar(`select count(*) from pg_stat_activity where usename = '${name}' and state = 'active'`)) ===
    '0'
  );
  abort.abort();
  assert.equal((await slow).result.code, 'cancelled');
  await untilQuiet();
});

test('a table that is made while the service runs is readable at once, one that is replaced by a window is not', async () => {
  await owner.raw('create table fresh as select 1 as a');
  assert.deepEqual(await rowsSoon('select a from fresh'), [[1]]);
  await owner.raw('drop table fresh; create view fresh as select v as a from ai.sample_vault');
  assert.equal((await ask('select a from fresh')).result.code, 'not_readable');
  await owner.raw('drop view fresh');
});

test('row level security is told', async () => {
  await owner.raw(
    'create table guarded (a int); insert into guarded values (1); alter table guarded enable row level security',
  );
  assert.deepEqual(await rowsSoon('select * from guarded'), []);
  const { result } = await ask('select * from guarded');
  assert.match(result.notes![0]!, /Row level security may hide rows of guarded/);
});

test('arguments of any kind are answered, never thrown', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (sql) => {
      assert.equal(typeof (await ask(sql)).isError, 'boolean');
    }),
    { numRuns: 100 },
  );
  const parts = [...lines('honest.sql'), ...lines('hostile.sql')].flatMap((sql) => sql.split(/(?<=\s)/));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constantFrom(...parts), fc.string()), { maxLength: 12 }),
      async (words) => {
        await ask(words.join(''));
      },
    ),
    { numRuns: 400 },
  );
});

test('without a safe role the tool is off, and says what an operator must do', async () => {
  const { name } = sandboxRole(database.url);
  await owner.raw(`grant pg_read_all_data to ${name}`);
  try {
    const { result } = await ask('select 1', toolsOn(SETTINGS));
    assert.equal(result.code, 'not_set_up');
    assert.match(result.error!, /member of other roles/);
    assert.match(result.hint!, /create role "?copilot_sql"? login/);
    assert.match(result.hint!, /grant select on public\."products"/);
    assert.doesNotMatch(result.hint!, /vault_window|stolen_matview|parent_of_secret/);
  } finally {
    await owner.raw(`revoke pg_read_all_data from ${name}`);
  }
  const unknown = new URL(database.url);
  unknown.username = 'nobody_here';
  const off = await ask('select 1', toolsOn({ ...SETTINGS, sqlDatabaseUrl: unknown.href }));
  assert.equal(off.result.code, 'not_set_up');
  const bare = await ask(
    'select title from products where id = 1',
    toolsOn({ ...SETTINGS, sqlMode: 'parser-only' }),
  );
  assert.deepEqual(bare.result.rows, [['Lamp']]);
  for (const sql of lines('hostile.sql')) assert.ok((await ask(sql, toolsOnce(bareTools))).isError, sql);
});

let bareTools: ToolRegistry | null = null;
function toolsOnce(made: ToolRegistry | null): ToolRegistry {
  return (bareTools = made ?? toolsOn({ ...SETTINGS, sqlMode: 'parser-only' }));
}
