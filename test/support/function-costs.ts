/** Calls each allowed function with the largest arguments that the limits permit, and cancels the call. */
import { existsSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { type ArgumentLimit, FUNCTION_COSTS } from '../../db/sql-sandbox/allowed-functions.ts';
import { COST_LIMITS } from '../../db/sql-sandbox/cost-guards.ts';

interface Signature {
  name: string;
  kind: string;
  agg_kind: string | null;
  direct: number;
  variadic: boolean;
  types: string[];
}

export interface CostReport {
  /** The names of the functions that this server has. */
  known: Set<string>;
  /** The names of functions that could not be called, with the server's error. */
  uncalled: Map<string, string>;
  /** The calls that did not end in time after their cancel. */
  slow: string[];
}

/** The server cancels each call after this time. */
const CANCEL_AFTER_MS = 100;
/** How long a call may take from its cancel to its end. */
const END_WITHIN_MS = 1_000;
/** The unit of CPU time in /proc. */
const TICK_MS = 10;
const AT_ONCE = 2;

/** Measures all allowed functions. Creates the type `cost_mood` and the table `cost_row` in the database. */
export async function measureFunctionCosts(databaseUrl: string): Promise<CostReport> {
  const report: CostReport = { known: new Set(), uncalled: new Map(), slow: [] };
  const signatures = await loadSignatures(databaseUrl);
  const called = new Set<string>();
  const work = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    const pid = (client as unknown as { processID: number }).processID;
    try {
      await client.query(`set work_mem = '16MB'; set max_parallel_workers_per_gather = 0`);
      for (let signature = signatures.shift(); signature; signature = signatures.shift()) {
        report.known.add(signature.name);
        const call = callOf(signature);
        if (call === null) continue;
        const { values, sql } = call;
        // The arguments are computed first, without a timeout. Otherwise the cancel might hit their computation.
        const made = await client
          .query(
            `set statement_timeout = 0; drop table if exists pg_temp.args; create temp table args as select ${values.map((value, index) => `${value} as v${index}`).join(', ')}`,
          )
          .then(
            () => null,
            (error: unknown) => String(error),
          );
        if (made !== null) {
          report.uncalled.set(signature.name, `${made} ${values.join(', ').slice(0, 200)}`);
          continue;
        }
        await client.query(`set statement_timeout = ${CANCEL_AFTER_MS}`);
        const startedAt = performance.now();
        const before = processorMs(pid);
        const state = await client.query(sql).then(
          () => 'done',
          (error: unknown) => (error as { code?: string }).code ?? String(error),
        );
        const wall = performance.now() - startedAt;
        const processor = processorMs(pid);
        const took = before === null || processor === null ? wall : Math.min(wall, processor - before);
        // Class 42: the types of the arguments do not fit. Any other error is the function's own.
        if (state.startsWith('42')) report.uncalled.set(signature.name, `${state} ${sql.slice(0, 200)}`);
        else called.add(signature.name);
        if (took > CANCEL_AFTER_MS + END_WITHIN_MS)
          report.slow.push(`${Math.round(took)} ms: ${sql} of ${values.join(', ').slice(0, 300)}`);
      }
    } finally {
      await client.end();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const name of called) report.uncalled.delete(name);
  for (const name of report.known)
    if (!called.has(name) && !report.uncalled.has(name)) report.uncalled.set(name, 'no arguments known');
  return report;
}

/** The CPU time of a backend of this machine in milliseconds; null when /proc can't be read. */
function processorMs(pid: number): number | null {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return null;
  const fields = readFileSync(file, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

async function loadSignatures(databaseUrl: string): Promise<Signature[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(`create type public.cost_mood as enum ('low', 'high');
      create table public.cost_row (a text, b int)`);
    const { rows } = await client.query<Signature>(
      `select p.proname as name, p.prokind as kind, a.aggkind as agg_kind, coalesce(a.aggnumdirectargs, 0)::int as direct,
         p.provariadic <> 0 as variadic,
         coalesce((select array_agg(t.typname::text order by u.n)
           from unnest(p.proargtypes) with ordinality u(oid, n) join pg_type t on t.oid = u.oid), '{}') as types
       from pg_proc p left join pg_aggregate a on a.aggfnoid = p.oid
       where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any ($1) order by 1`,
      [[...FUNCTION_COSTS.keys()]],
    );
    // Keeps one of the overloads that differ only in the kind of number or date.
    const seen = new Set<string>();
    return rows.filter(({ name, types }) => {
      const kinds = types.map((type) => type.replace(/^(int[248]|float[48])$/, 'number'));
      const key = [name, ...kinds.map((kind) => kind.replace(/^(date|time|timestamp)(tz)?$/, 'time'))].join();
      return !seen.has(key) && seen.add(key);
    });
  } finally {
    await client.end();
  }
}

/** The SQL of a call, and the values of the columns `v0`, `v1` ... of its table `args`; null when no query can make it. */
function callOf(signature: Signature): { values: string[]; sql: string } | null {
  const { name, kind, agg_kind, direct, variadic, types } = signature;
  const cost = FUNCTION_COSTS.get(name)!;
  // The dimensions of array_fill must be literals.
  if (name === 'array_fill')
    return { values: ['1'], sql: `select array_fill(repeat('x', 100), array[10000])` };
  const values: string[] = [];
  const list: string[] = [];
  for (const [index, type] of types.entries()) {
    const limit = cost.limits[Math.min(index, cost.limits.length - 1)] ?? 'none';
    const value = argument(type, limit, name, index);
    if (value === null) return null;
    const stored = /repeat|select|array_fill/.test(value) && type !== 'cstring' && type !== 'record';
    list.push(stored ? `args.v${values.push(value) - 1}` : value);
  }
  if (values.length === 0) values.push('1');
  if (variadic && types.at(-1) !== 'any') list[list.length - 1] = `variadic ${list.at(-1)}`;
  const rows = (count: number): string => `from args, generate_series(1, ${count}) n`;
  const sql = ((): string => {
    if (agg_kind === 'o')
      return `select ${name}(${list.slice(0, direct).join(', ')}) within group (order by ${list.slice(direct).join(', ') || 'n'}) ${rows(100_000)}`;
    if (agg_kind === 'h') return `select ${name}(1) within group (order by n) ${rows(100_000)}`;
    // `is null` avoids printing the result. Guards limit a query's result to 1 MB; this call could print 25 MB.
    if (kind === 'a') return `select ${name}(${list.join(', ') || '*'}) is null ${rows(50)}`;
    const call = `pg_catalog."${name}"(${list.join(', ')})`;
    if (kind === 'w') return `select ${call} over (order by n) ${rows(100_000)}`;
    const record = /^jsonb?_to_record/.test(name) ? ' as r(a text, b int)' : '';
    return `select count(*) from args, ${call}${record}`;
  })();
  return { values, sql };
}

/** An expression of a type, as large as its limit permits; null when no query can make one. */
function argument(type: string, limit: ArgumentLimit, name: string, index: number): string | null {
  const size = sizeOf(limit);
  const items = Math.max(1, Math.floor(size / 8));
  switch (type) {
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'name':
    case 'cstring':
      return (
        text(limit, size, name, index) +
        (type === 'text' ? '::text' : `::${type === 'cstring' ? 'cstring' : type}`)
      );
    case 'bytea':
      return `convert_to(${text(limit, size, name, index)}, 'UTF8')`;
    case 'bit':
    case 'varbit':
      return `repeat('1', ${Math.min(size, 10_000)})::bit varying::bit(${Math.min(size, 10_000)})`;
    case 'int2':
      return '3::int2';
    case 'int4':
      return limit === 'width'
        ? String(COST_LIMITS.large)
        : name === 'repeat'
          ? '1000'
          : name === 'chr'
            ? '65'
            : '3';
    case 'int8':
      return limit === 'exponent' ? String(COST_LIMITS.exponent) : '7::int8';
    case 'float4':
    case 'float8':
      return '0.5::float8';
    case 'numeric':
      if (limit === 'exponent') return `${COST_LIMITS.exponent}.0`;
      return `(repeat('9', ${name === 'power' || name === 'pow' ? 12 : 1_000}) || '.5')::numeric`;
    case 'money':
      return '12::money';
    case 'bool':
      return 'true';
    case 'char':
      return `'a'::"char"`;
    case 'json':
      return name.includes('each') ||
        name.includes('keys') ||
        name.includes('record') ||
        name.includes('extract') ||
        name.includes('tsvector')
        ? `('{' || repeat('"a":1,', ${Math.floor(size / 6)}) || '"b":1}')::json`
        : `('[' || repeat('1,', ${Math.floor(size / 2)}) || '1]')::json`;
    case 'jsonb':
      return name.includes('each') ||
        name.includes('keys') ||
        (name.includes('record') && !name.includes('set'))
        ? `(select jsonb_object_agg(i, i) from generate_series(1, ${Math.floor(size / 20)}) i)`
        : `(select jsonb_agg('k' || i) from generate_series(1, ${Math.floor(size / 12)}) i)`;
    case 'jsonpath':
      return `'$[*] ? (@ > 1)'::jsonpath`;
    case 'xml':
      return `('<a>' || repeat('<b/>', ${Math.floor(size / 4) - 4}) || '</a>')::xml`;
    case 'tsvector':
      return `to_tsvector('simple', repeat('lamp red blue ', ${Math.floor(size / 14)}))`;
    case 'tsquery':
      return `'lamp & red | blue'::tsquery`;
    case 'regconfig':
      return `'english'::regconfig`;
    case 'any':
    case 'anyelement':
    case 'anynonarray':
    case 'anycompatible':
    case 'anycompatiblenonarray':
      if (name.includes('populate')) return 'null::public.cost_row';
      return /array|range|width_bucket|lag|lead/.test(name) && !/json|array_agg/.test(name)
        ? '3::int'
        : `repeat('x', ${size})::text`;
    case 'anyarray':
    case 'anycompatiblearray':
      return `(select array_agg(i::int) from generate_series(1, ${items}) i)`;
    case '_text':
      return `array_fill('ab'::text, array[${Math.max(2, 2 * Math.floor(size / 20))}])`;
    case '_any':
      return `repeat('x', ${size})::text`;
    case '_char':
      return `array['a'::"char"]`;
    case '_float8':
      return `array[0.5::float8]`;
    case '__text':
      return null;
    case 'anyenum':
      return `'low'::public.cost_mood`;
    case 'record':
      return `row(repeat('x', ${size}))`;
    case 'polygon':
    case 'path':
      return `('(' || rtrim(repeat('(0,0),', ${Math.floor(size / 6)}), ',') || ')')::${type}`;
    case 'anyrange':
      return 'int4range(1, 9)';
    case 'anymultirange':
      return `(select range_agg(int4range(i * 3, i * 3 + 1)) from generate_series(1, ${items}) i)`;
    default:
      return plain(type);
  }
}

function plain(type: string): string | null {
  const values: Record<string, string> = {
    date: `date '2024-01-31'`,
    time: `time '10:00'`,
    timetz: `timetz '10:00+00'`,
    timestamp: `timestamp '2024-01-31'`,
    timestamptz: `timestamptz '2024-01-31'`,
    interval: `interval '3 days'`,
    uuid: `'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid`,
    inet: `inet '10.0.0.1/8'`,
    cidr: `cidr '10.0.0.0/8'`,
    macaddr8: `macaddr8 '08:00:2b:01:02:03:04:05'`,
    point: 'point(1, 2)',
    box: `box '((0,0),(1,1))'`,
    lseg: `lseg '((0,0),(1,1))'`,
    line: `line '{1,2,3}'`,
    circle: `circle '((0,0),1)'`,
    macaddr: `macaddr '08:00:2b:01:02:03'`,
    oid: '1::oid',
  };
  const range = /^(int4|int8|num|date|ts|tstz)(multi)?range$/.exec(type);
  if (range) return `'${range[2] ? '{}' : 'empty'}'::${type}`;
  if (/^_(int4|int8|num|date|ts|tstz)range$/.test(type)) return `'{empty}'::${type.slice(1)}[]`;
  return values[type] ?? null;
}

function sizeOf(limit: ArgumentLimit): number {
  switch (limit) {
    case 'long':
    case 'longBytes':
      return COST_LIMITS.long;
    case 'short':
    case 'shortBytes':
    case 'sizeShort':
      return COST_LIMITS.short;
    case 'pattern':
      return COST_LIMITS.pattern;
    case 'xml':
      return COST_LIMITS.xml;
    case 'list':
      return COST_LIMITS.list;
    case 'quadratic':
      return COST_LIMITS.quadratic;
    case 'number':
      return COST_LIMITS.number;
    case 'none':
      return 40;
    default:
      return COST_LIMITS.large;
  }
}

/** The worst text for most functions: a search almost matches at each position. */
function text(limit: ArgumentLimit, size: number, name: string, index: number): string {
  if (limit === 'xpath') return `'//b[last()]|//b'`;
  if (limit === 'template') return `'%s %s'`;
  if (limit === 'pattern') return name.startsWith('regexp') ? `'(a|a)*(x+x+)+y'` : `'lamp'`;
  if (limit === 'short' || limit === 'shortBytes')
    return name === 'translate' || name.endsWith('trim')
      ? `repeat('y', ${size - 1}) || 'x'`
      : `'b' || repeat('x', ${size - 1})`;
  if (limit === 'none') {
    if (/^(date_|extract)/.test(name)) return `'day'`;
    if (name === 'timezone') return `'UTC'`;
    return index > 0 ? `'UTF8'` : `'a'`;
  }
  if (/^(convert|encode|decode|to_ascii)/.test(name) && index > 0) return `'UTF8'`;
  if (name === 'normalize' || name === 'is_normalized')
    return index > 0 ? `'NFKD'` : `repeat(U&'\\0301', ${size / 2}) || repeat(U&'\\0316', ${size / 2})`;
  if (/^ts_|tsvector/.test(name)) return `repeat('lamp red ', ${Math.floor(size / 9)})`;
  return `repeat('x', ${size})`;
}
