/** The catalog stays closed: nothing that a query may name or call turns a number into a name of another schema. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { ALLOWED_FUNCTIONS } from '../../../db/sql-sandbox/allowed-functions.ts';
import { ALLOWED_TYPES, NAMING_FUNCTIONS } from '../../../db/sql-sandbox/allowed-types.ts';
import { checkNames } from '../../../db/sql-sandbox/check-names.ts';
import { checkSyntax, sqlGrammarReady, SqlRefusal } from '../../../db/sql-sandbox/check-syntax.ts';
import { createTestDatabase } from '../../support/api-database.ts';

/** Part of the name of every object that must stay unknown. */
const MARK = 'zqname';
/** A type's name as an identifier, and the columns of its row as JSON that holds a number in each. */
interface CatalogType {
  name: string;
  columns: string[] | null;
}

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: pg.Client;
let some: number;
const role = `${MARK}_${randomBytes(4).toString('hex')}`;

before(async () => {
  await sqlGrammarReady();
  database = await createTestDatabase({ empty: true });
  client = new pg.Client(database.url);
  await client.connect();
  await client.query(`
    create role ${role};
    create schema ${MARK}_schema; set search_path = ${MARK}_schema, pg_catalog;
    create table ${MARK}_table (${MARK}_column int);
    create type ${MARK}_row as (a int); create type ${MARK}_enum as enum ('${MARK}_label');
    create domain ${MARK}_domain as int; create type ${MARK}_range as range (subtype = int);
    create function ${MARK}_function(int) returns int language sql as 'select 1';
    create operator |*| (rightarg = int, function = ${MARK}_function);
    create collation ${MARK}_collation from "C";
    create text search configuration ${MARK}_config (copy = pg_catalog.english);
    create text search dictionary ${MARK}_dictionary (template = simple);
    set search_path = pg_catalog, public;
    -- The factorial of a number like that takes a minute.
    set statement_timeout = '500ms';
    create table public.oids as select oid::int8::int as i, oid as n from (
      select oid from pg_class where relname like '${MARK}%' union select oid from pg_type where typname like '%${MARK}%'
      union select oid from pg_proc where proname like '${MARK}%' union select oid from pg_namespace where nspname like '${MARK}%'
      union select oid from pg_authid where rolname = '${role}' union select oid from pg_collation where collname like '${MARK}%'
      union select oid from pg_ts_config where cfgname like '${MARK}%' union select oid from pg_ts_dict where dictname like '${MARK}%'
      union select oid from pg_operator where oprname = '|*|') all_oids;
    create domain public.class_domain as regclass; create type public.class_row as (c regclass, roles regrole[]);
    create table public.named (id int, c regclass, t regtype[], d class_domain, r class_row);
    create view public.typed as select pg_typeof(n) as kind, n from public.oids`);
  const { rows } = await client.query<{ i: number; count: number }>(
    'select min(i)::int as i, count(*)::int as count from public.oids',
  );
  assert.ok(rows[0]!.count >= 14, 'the marked objects are there');
  some = rows[0]!.i;
});
after(async () => {
  await client.query(`drop role ${role}`);
  await client.end();
  await database.drop();
});

function statementName(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Refused, failed by itself, or shown; fails when a marked name is shown. */
async function verdict(sql: string): Promise<'refused' | 'failed' | 'shown'> {
  try {
    await checkNames(
      // Under a name the server plans each statement once.
      async (text, values) => (await client.query({ name: statementName(text), text, values })).rows as never,
      checkSyntax(sql),
    );
  } catch (error: unknown) {
    if (error instanceof SqlRefusal) return 'refused';
    throw error;
  }
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    assert.ok(!JSON.stringify(rows).includes(MARK), `${sql} shows ${JSON.stringify(rows).slice(0, 300)}`);
    return 'shown';
  } catch (error: unknown) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    assert.ok(!error.message.includes(MARK), `${sql} says ${error.message}`);
    return 'failed';
  }
}

/** Every place of the grammar that takes a type, and every way to give a value its type. `t` is quoted and may be qualified. */
function typeForms(t: string, columns: string[] | null): string[] {
  const row = JSON.stringify(Object.fromEntries((columns ?? ['x']).map((name) => [name, some])));
  return [
    `select null::${t}`,
    `select n::${t}::text from oids`,
    `select i::${t} from oids`,
    `select cast(n as ${t}), cast(i::text as ${t}) from oids`,
    `select array[n]::${t}[], array[i]::${t}[] from oids`,
    `select '${some}'::${t}, ${t} '${some}'`,
    `select '{${some}}'::${t}[]`,
    `select case when false then null::${t} else n end from oids`,
    `select coalesce(null::${t}, i), greatest(null::${t}, i) from oids`,
    `select null::${t} union all select n from oids`,
    `values (null::${t}), (${some})`,
    `select array[null::${t}, n] from oids`,
    `select lag(n, 1, null::${t}) over (), nullif(i, null::${t}) from oids`,
    `select array_append(null::${t}[], i) from oids`,
    `select * from json_populate_record(null::${t}, '${row}')`,
    `select * from jsonb_populate_recordset(null::${t}, '[${row}]')`,
    `select row(${(columns ?? ['x']).map(() => some).join(',')})::${t}`,
    `select * from json_to_record('{"x": ${some}}') as r(x ${t})`,
    `select * from jsonb_to_recordset('[{"x": [${some}]}]') as r(x ${t}[])`,
    `select * from json_table('[${some}]', '$[*]' columns (x ${t} path '$', nested path '$' columns (y ${t} path '$')))`,
    `select json_value('${some}', '$' returning ${t}), json_query('${some}', '$' returning ${t})`,
    `select json_object('a': 1 returning ${t}), json_array(${some} returning ${t})`,
    `select json_serialize('${some}' returning ${t})`,
    `select * from xmltable('/a' passing '<a>${some}</a>'::xml columns x ${t} path '.')`,
    `select xmlserialize(content '${some}'::xml as ${t})`,
    `with recursive r as (select null::${t} as x union all select n from r, oids) select * from r limit 3`,
  ];
}

/** A type that is applied like a function or a column: here its name is no TypeName for the grammar. */
function appliedForms(name: string): string[] {
  return [
    `select "${name}"(n) from oids`,
    `select pg_catalog."${name}"(n) from oids`,
    `select (n)."${name}" from oids`,
    `select (i::int8)."${name}" from oids`,
    `select u."${name}" from unnest(array[${some}]) u`,
    `select oids."${name}" from oids`,
  ];
}

async function catalogTypes(): Promise<CatalogType[]> {
  const { rows } = await client.query<CatalogType>(
    `select t.typname as name, (select json_agg(a.attname order by a.attnum) from pg_attribute a
       where t.typrelid <> 0 and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) as columns
     from pg_type t where t.typnamespace = 'pg_catalog'::regnamespace order by 1`,
  );
  return rows;
}

test('no type of pg_catalog, wherever it is named, turns a number into a name', async () => {
  const types = await catalogTypes();
  assert.ok(types.length > 300);
  for (const { name, columns } of types) {
    const allowed = ALLOWED_TYPES.has(name);
    let shown = 0;
    const forms = typeForms(`pg_catalog."${name}"`, columns);
    // An array's element is tried by itself, in all of them.
    for (const sql of name.startsWith('_') ? forms.slice(0, 8) : forms) {
      const found = await verdict(sql);
      if (!allowed) assert.equal(found, 'refused', sql);
      if (found === 'shown') shown += 1;
    }
    if (allowed) assert.ok(shown > 0, `${name} can be used`);
    if (allowed || name.startsWith('_')) continue;
    for (const sql of [`select n::"${name}" from oids`, `select null::"${name}"[]`])
      assert.equal(await verdict(sql), 'refused', sql);
    for (const sql of appliedForms(name)) await verdict(sql);
  }
});

test('values of such types that are in a column of public can be shown and nothing else', async () => {
  assert.equal(await verdict('select * from named'), 'shown');
  assert.equal(await verdict('select id, c, r from named where id = 1'), 'shown');
  assert.equal(await verdict('select kind from typed'), 'shown');
  for (const sql of [
    'select coalesce(c, n) from oids left join named on false',
    'select c from named union all select n from oids',
    'select distinct * from named',
    'select coalesce((select c from named limit 1), n) from oids',
    'select case when false then x.y else n end from oids left join (select c as y from named) x on true',
    'select array_append(t, n) from oids left join named on false',
    'select coalesce(d, n) from oids left join named on false',
    `select * from json_populate_record(null::named, '{"c": ${some}}')`,
    `select json_populate_record(x, '{"c": ${some}}') from named x`,
    `select row(${some}, null)::class_row`,
    `select '${some}'::class_domain`,
    `select class_domain(n) from oids`,
    `select (n).class_domain from oids`,
    'select coalesce(null::class_domain, n) from oids',
    'select (r).c from named union select n from oids',
    'select coalesce((select kind from typed limit 1 offset 1000), n) from oids',
  ])
    assert.equal(await verdict(sql), 'refused', sql);
});

test('a function whose result is such a type runs only as an output, or under a cast to text', async () => {
  for (const call of ['pg_typeof(1)', 'get_current_ts_config()']) {
    for (const sql of [
      `select ${call}, n from oids order by n`,
      `select ${call}::text || n from oids`,
      `explain select ${call}`,
      `select (${call})::varchar`,
    ])
      assert.equal(await verdict(sql), 'shown', sql);
    for (const sql of [
      `select (case when false then ${call} else n end)::text from oids`,
      `select coalesce(null, ${call}, n) from oids`,
      `select ${call} union all select n from oids`,
      `values (${call}), (${some})`,
      `select array[${call}, n] from oids`,
      `select greatest(${call}, n), nullif(n, ${call}) from oids`,
      `select lag(n, 1, ${call}) over () from oids`,
      `select array_agg(x) from (select ${call} as x) s`,
      `with x as (select ${call} as t) select coalesce(t, n) from x, oids`,
      `select (select ${call})`,
      `select distinct ${call}`,
      `select ${call}::oid`,
      `select ${call}::text[]`,
      `select row(${call})`,
      `select pg_typeof(${call})`,
      `select ${call} as x from oids order by x`,
      `select count(*) from oids group by ${call}`,
    ])
      assert.equal(await verdict(sql), 'refused', sql);
  }
  for (const sql of [
    'select (1).pg_typeof',
    'select oids.pg_typeof from oids',
    `select 'english'::regconfig`,
    `select to_tsvector(${some}::regconfig, 'x')`,
    `select coalesce('english'::regconfig, ${some})`,
    `select to_tsvector(coalesce('english'::regconfig, ${some}), 'x')`,
  ])
    assert.equal(await verdict(sql), 'refused', sql);
});

test('no function of pg_catalog that runs turns a number into a name', async () => {
  const { rows } = await client.query<{
    name: string;
    kind: string;
    args: string[];
    set: boolean;
    of: string;
  }>(
    `select p.proname as name, p.prokind as kind, p.proretset as set, format_type(p.prorettype, null) as of,
       (select coalesce(json_agg(format_type(a.type, null) order by a.n), '[]')
        from unnest(p.proargtypes) with ordinality a(type, n)) as args
     from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace order by p.oid`,
  );
  const refused = new Set<string>();
  let shown = 0;
  for (const { name, kind, args, set, of } of rows) {
    const values = args.map(argument).join(', ');
    const call = `pg_catalog."${name}"(${values})`;
    if (!ALLOWED_FUNCTIONS.has(name)) {
      if (!refused.has(name)) assert.equal(await verdict(`select ${call} from oids`), 'refused', call);
      refused.add(name);
      // By a dot it is called with one argument.
      if (args.length === 1 && /^(?:oid|text|name|reg|"any"|any|integer|bigint|record)/.test(args[0]!))
        for (const sql of [
          `select (${values})."${name}" from oids`,
          `select u."${name}" from unnest(array[${some}]) u`,
        ])
          assert.equal(await verdict(sql), 'refused', sql);
      continue;
    }
    const naming = /^reg|aclitem|pg_node_tree/.test(of);
    assert.equal(naming, NAMING_FUNCTIONS.has(name), `${name} returns ${of}`);
    if (naming || args.includes('internal') || args.includes('cstring')) continue;
    const over = kind === 'w' ? ' over ()' : '';
    const sql = set
      ? `select * from oids, lateral ${call} as result`
      : `select (${call}${over})::text from oids${kind === 'a' ? '' : ' limit 20'}`;
    if ((await verdict(sql)) === 'shown') shown += 1;
  }
  assert.ok(refused.size > 1_500 && shown > 400, `${refused.size} refused, ${shown} shown`);
});

/** A value for an argument that carries the number of an object wherever its type can. */
function argument(type: string): string {
  if (/^(?:oid|reg)/.test(type)) return 'n';
  if (/^any.*array|\[\]$/.test(type)) return /text/.test(type) ? 'array[n::text]' : 'array[i]';
  if (
    /^(?:integer|bigint|smallint|numeric|real|double|"?any"?|any(?:element|nonarray|compatible|compatiblenonarray)|record)$/.test(
      type,
    )
  )
    return type === 'smallint' ? '1::int2' : type === 'record' ? 'row(n)' : 'i';
  if (/^(?:text|name|character varying|character)$/.test(type)) return `n::text::${type}`;
  if (type === 'json' || type === 'jsonb') return `to_${type}(n)`;
  if (type === 'boolean') return 'true';
  const plain = type.replace(/ .*$/, '').replaceAll('"', '');
  return ALLOWED_TYPES.has(plain) ? `null::${type}` : 'null';
}
