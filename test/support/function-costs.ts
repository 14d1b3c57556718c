/** Calls each allowed function with the largest arguments that the limits permit, and cancels the call. */
import { existsSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { FUNCTION_COSTS } from '../../db/sql-sandbox/allowed-functions.ts';
import { argument } from './function-arguments.ts';

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

/** Measures all allowed functions. Creates the type `cost_mood` and the table `cost_row`, and tables for the arguments while it runs. */
export async function measureFunctionCosts(databaseUrl: string): Promise<CostReport> {
  const report: CostReport = { known: new Set(), uncalled: new Map(), slow: [] };
  const signatures = await loadSignatures(databaseUrl);
  const called = new Set<string>();
  const work = async (_: unknown, index: number): Promise<void> => {
    // Each worker has two connections. Only calls run under the timeout, so a busy server cancels nothing else.
    const maker = await connect({ connectionString: databaseUrl });
    const caller = await connect({
      connectionString: databaseUrl,
      options: `-c statement_timeout=${CANCEL_AFTER_MS} -c work_mem=16MB -c max_parallel_workers_per_gather=0`,
    });
    const pid = (caller as unknown as { processID: number }).processID;
    const table = `cost_args_${index}`;
    try {
      for (let signature = signatures.shift(); signature; signature = signatures.shift()) {
        report.known.add(signature.name);
        const call = callOf(signature, table);
        if (call === null) continue;
        const { values, sql } = call;
        const columns = values.map((value, column) => `${value} as v${column}`).join(', ');
        const made = await maker
          .query(`drop table if exists ${table}; create unlogged table ${table} as select ${columns}`)
          .then(
            () => null,
            (error: unknown) => String(error),
          );
        if (made !== null) {
          report.uncalled.set(signature.name, `${made} ${values.join(', ').slice(0, 200)}`);
          continue;
        }
        const startedAt = performance.now();
        const before = processorMs(pid);
        const state = await caller.query(sql).then(
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
      await caller.end();
      await maker.query(`drop table if exists ${table}`);
      await maker.end();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const name of called) report.uncalled.delete(name);
  for (const name of report.known)
    if (!called.has(name) && !report.uncalled.has(name)) report.uncalled.set(name, 'no arguments known');
  return report;
}

async function connect(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  client.on('error', () => undefined);
  await client.connect();
  return client;
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

/** The SQL of a call, and the values of the columns `v0`, `v1` ... of `table`; null when no query can make it. */
function callOf(signature: Signature, table: string): { values: string[]; sql: string } | null {
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
    list.push(stored ? `${table}.v${values.push(value) - 1}` : value);
  }
  if (values.length === 0) values.push('1');
  if (variadic && types.at(-1) !== 'any') list[list.length - 1] = `variadic ${list.at(-1)}`;
  const rows = (count: number): string => `from ${table}, generate_series(1, ${count}) n`;
  const sql = ((): string => {
    if (agg_kind === 'o')
      return `select ${name}(${list.slice(0, direct).join(', ')}) within group (order by ${list.slice(direct).join(', ') || 'n'}) ${rows(100_000)}`;
    if (agg_kind === 'h') return `select ${name}(1) within group (order by n) ${rows(100_000)}`;
    // `is null` avoids printing the result. Guards limit a query's result to 1 MB; this call could print 25 MB.
    if (kind === 'a') return `select ${name}(${list.join(', ') || '*'}) is null ${rows(50)}`;
    const call = `pg_catalog."${name}"(${list.join(', ')})`;
    if (kind === 'w') return `select ${call} over (order by n) ${rows(100_000)}`;
    const record = /^jsonb?_to_record/.test(name) ? ' as r(a text, b int)' : '';
    return `select count(*) from ${table}, ${call}${record}`;
  })();
  return { values, sql };
}
