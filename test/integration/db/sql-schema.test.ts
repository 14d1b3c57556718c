/** get_db_schema: what a query may read, as the model is shown it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Knex } from 'knex';
import type { ToolRegistry } from '../../../activities/tools/registry.ts';
import type { ToolContext } from '../../../activities/tools/tool.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { oidNumber, rowsOf } from '../../../db/connection/sql-rows.ts';
import { createSqlSandbox, type SqlSandbox } from '../../../db/sql-sandbox/sql-sandbox.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { productTools } from '../../support/product-tools.ts';
import { silentLogger } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let owner: Knex;
let sandbox: SqlSandbox;
let tools: ToolRegistry;

before(async () => {
  database = await createTestDatabase();
  owner = createKnex({ databaseUrl: database.url, applicationName: 'owner' });
  await owner.raw(`
    create table customers (id int primary key, name text not null default 'x', api_key text default 'sk-aaaabbbbccccddddeeee');
    comment on table customers is 'People who buy; token sk-aaaabbbbccccddddeeee';
    create table orders (id bigint generated always as identity primary key, customer_id int references customers,
      total numeric(10, 2), placed_at timestamptz default now());
    create view spent as select customer_id, sum(total) from orders group by 1;
    create view peek as select * from ai.agents;
    create table "Odd ""name""" (a int);
    insert into customers (id) select generate_series(1, 50); analyze customers;
  `);
  sandbox = createSqlSandbox({
    databaseUrl: database.url,
    config: { sqlDatabaseUrl: undefined, sqlMode: 'role' },
    logger: silentLogger,
  });
  tools = productTools(['get_db_schema'], { sandbox });
});
after(async () => {
  await owner.destroy();
  await database.drop();
});

interface Table {
  name: string;
  columns?: { name: string }[];
}
async function ask(args: Record<string, unknown>) {
  const outcome = await tools.run('get_db_schema', args, {
    signal: new AbortController().signal,
  } as ToolContext);
  const text = JSON.stringify(outcome.result);
  assert.ok(text.length <= 16_000);
  return {
    ...outcome,
    result: outcome.result as {
      total: number;
      tables: Table[];
      hint?: string;
      code?: string;
      left_out?: number;
    },
    text,
  };
}

test('tables with columns, keys, comments and estimates; nothing beyond public, no secret', async () => {
  const { result, text } = await ask({});
  assert.deepEqual(
    result.tables.map(({ name }) => name),
    ['Odd "name"', 'customers', 'orders', 'spent'],
  );
  const [, customers, orders] = result.tables;
  assert.deepEqual(customers, {
    name: 'customers',
    kind: 'table',
    rows_estimate: 50,
    comment: 'People who buy; token [hidden]',
    columns: [
      { name: 'id', type: 'integer', nullable: false },
      { name: 'name', type: 'text', nullable: false, default: "'x'::text" },
      { name: 'api_key', type: 'text', nullable: true, default: '[hidden]' },
    ],
    primary_key: ['id'],
  });
  assert.deepEqual((orders as unknown as { foreign_keys: unknown }).foreign_keys, [
    { columns: ['customer_id'], references: 'customers(id)' },
  ]);
  assert.doesNotMatch(text, /peek|agents|sk-aaaa/);
});

test('some tables by name, in any case; a wrong name gets the nearest', async () => {
  assert.deepEqual(
    (await ask({ tables: ['ORDERS', 'public.customers'] })).result.tables.map(({ name }) => name),
    ['customers', 'orders'],
  );
  const wrong = await ask({ tables: ['custmers'] });
  assert.equal(wrong.isError, true);
  assert.match(wrong.text, /Nearest: customers/);
  assert.match(wrong.text, /public has \d+ readable tables; without arguments all are listed/);
});

test('a search without a hit says how many tables there are, and which names are near', async () => {
  const { isError, result } = await ask({ search: 'custmers' });
  assert.equal(isError, false);
  assert.deepEqual([result.total, result.tables], [0, []]);
  assert.match(
    result.hint!,
    /^Nothing matches .*\. Nearest: customers\b.*\. public has \d+ readable tables; /,
  );
});

test('a search finds names, columns and comments', async () => {
  const found = async (search: string) => (await ask({ search })).result.tables.map(({ name }) => name);
  assert.deepEqual(await found('PLACED'), ['orders']);
  assert.deepEqual(await found('people'), ['customers']);
  assert.deepEqual(await found('ord'), ['orders']);
  assert.deepEqual(await found('%'), []);
});

test('over 100 tables: names first, then what is asked for', async () => {
  await owner.raw(
    `do $$ begin for n in 1..120 loop execute format('create table many_%s (id int, v text)', n); end loop; end $$`,
  );
  let all = await ask({});
  while (all.result.total < 124) all = await ask({});
  assert.equal(all.result.total, 124);
  assert.equal(all.result.tables.length, 124);
  assert.ok(all.result.tables.every(({ columns }) => columns === undefined));
  assert.match(all.result.hint!, /tables or search/);
  const some = await ask({ search: 'many_11' });
  assert.ok(some.result.tables.every(({ columns }) => columns!.length === 2));
});

test('oids of an old database, up to the last one there is, are numbers', async () => {
  const last = 4_294_967_295;
  assert.deepEqual(await rowsOf(owner, `select ${oidNumber('4294967295::oid')} as oid`), [{ oid: last }]);

  // What an old database has after four billion oids: a table and a type of its own beyond the range of an int4.
  await owner.raw('create type far_kind as (a int); create table far_away (needle text, kind far_kind)');
  await owner.transaction(async (trx) => {
    await trx.raw('set local allow_system_table_mods = on');
    for (const statement of [
      `update pg_attribute set attrelid = ${last} where attrelid = 'far_away'::regclass`,
      `update pg_type set typrelid = ${last} where typname = 'far_away'`,
      `update pg_attribute set atttypid = ${last - 1} where attname = 'kind' and attrelid = ${last}`,
      `update pg_type set oid = ${last - 1} where typname = 'far_kind'`,
      `update pg_class set oid = ${last} where relname = 'far_away'`,
    ])
      await trx.raw(statement);
  });
  let { result } = await ask({ search: 'needle' });
  // The role is granted a new table when the tool first meets it.
  for (const until = Date.now() + 10_000; result.total === 0 && Date.now() < until; )
    ({ result } = await ask({ search: 'needle' }));
  assert.deepEqual(
    result.tables.map(({ name, columns }) => ({ name, columns: columns?.map((column) => column.name) })),
    [{ name: 'far_away', columns: ['needle', 'kind'] }],
  );
  const { columns } = await sandbox.query('select kind from far_away', new AbortController().signal);
  assert.deepEqual(columns, [{ name: 'kind', type: 'far_kind', typeOid: last - 1 }]);
});

test('any arguments are answered', async () => {
  const args = fc.oneof(
    fc.record({ tables: fc.array(fc.string(), { maxLength: 5 }), search: fc.string() }, { requiredKeys: [] }),
    fc.dictionary(fc.constantFrom('tables', 'search', 'x'), fc.jsonValue()),
  );
  await fc.assert(
    fc.asyncProperty(args, async (input) => {
      assert.equal(typeof (await ask(input)).isError, 'boolean');
    }),
    { numRuns: 100 },
  );
});
