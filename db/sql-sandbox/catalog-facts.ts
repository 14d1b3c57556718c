/** What the catalogs know of the names of a query, in one statement. */
import type { QueryNames } from './collect-names.ts';
import { UNSAFE_RELATION } from './unsafe-objects.ts';

/** Runs one statement of ours with parameters, on the connection that is to run the query too. */
export type CatalogReader = <T>(sql: string, values: unknown[]) => Promise<T[]>;

export interface RelationFacts {
  name: string;
  /** Whether the connected role may select from it. */
  granted: boolean;
  row_security: boolean;
  /** Whether row level security binds the connected role. */
  row_security_active: boolean;
  /** Why it is not safe to read, by itself. */
  unsafe: string | null;
  /** Of a view. */
  definition: string | null;
  /** With whose rights a view reads: of who asks, of its owner, or (materialised) it was filled with its owner's. */
  reads_as: 'invoker' | 'owner' | 'stored';
  /** Those of its columns that stand after a dot in the query. */
  columns: string[];
}

export interface CatalogFacts {
  /** Relations of public with the name of a relation or a type of the query. */
  relations: RelationFacts[];
  systemRelations: string[];
  /** Functions of public that are named like a called one. */
  ownFunctions: string[];
  /** What `row.name` may call: functions of public, and of pg_catalog, that take any row. */
  rowFunctions: string[];
  builtInRowFunctions: string[];
  /** What `(value).name` may call. */
  valueFunctions: string[];
  builtInValueFunctions: string[];
}

export async function loadFacts(read: CatalogReader, names: QueryNames): Promise<CatalogFacts> {
  const own = names.types.filter(({ schema }) => schema !== 'pg_catalog');
  const rows = await read<{ facts: CatalogFacts }>(FACTS, [
    [...new Set([...names.relations, ...own].map(({ name }) => name))],
    [...new Set(names.functions.map(({ name }) => name))],
    [...new Set(names.attributes.map(({ name }) => name))],
  ]);
  return rows[0]!.facts;
}

/** A view's definition and how it reads, or null. `c` is its pg_class row. */
const VIEW = `case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end`;
const READS_AS = `case when c.relkind = 'm' then 'stored'
    when c.relkind = 'v' and exists (
      select 1 from pg_catalog.pg_options_to_table(c.reloptions) o
      where o.option_name = 'security_invoker' and o.option_value::bool
    ) then 'invoker' else 'owner' end`;

/** Whether `f` can be called with one argument. */
const ONE_ARGUMENT = 'f.pronargs >= 1 and f.pronargs - f.pronargdefaults <= 1';
const CALLED_WITH_ONE = (schema: string, condition: string) => `(
    select coalesce(json_agg(distinct f.proname), '[]')
    from pg_catalog.pg_proc f join pg_catalog.pg_namespace n on n.oid = f.pronamespace and n.nspname = '${schema}'
      join pg_catalog.pg_type t on t.oid = f.proargtypes[0]
      left join pg_catalog.pg_type b on b.oid = t.typbasetype
    where f.proname = any ($3) and ${ONE_ARGUMENT} and ${condition})`;
/** A row that has a column of that name is not handed to the function. */
const NO_SUCH_COLUMN = `not exists (
      select 1 from pg_catalog.pg_attribute a
      where a.attrelid = t.typrelid and a.attname = f.proname and a.attnum > 0 and not a.attisdropped)`;
const TAKES_A_ROW = `(t.typtype = 'p' or coalesce(b.typtype, t.typtype) = 'c' or f.provariadic <> 0) and ${NO_SUCH_COLUMN}`;
const CALLABLE = `t.typname not in ('internal', 'cstring')`;

const FACTS = `select pg_catalog.json_build_object(
  'relations', (
    select coalesce(json_agg(json_build_object('name', c.relname,
      'granted', pg_catalog.has_table_privilege(c.oid, 'select'),
      'row_security', c.relrowsecurity,
      'row_security_active', c.relrowsecurity and pg_catalog.row_security_active(c.oid),
      'unsafe', ${UNSAFE_RELATION},
      'definition', ${VIEW},
      'reads_as', ${READS_AS},
      'columns', (select coalesce(json_agg(a.attname), '[]') from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attname = any ($3) and a.attnum > 0 and not a.attisdropped))), '[]')
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    where c.relname = any ($1) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')),
  'systemRelations', (
    select coalesce(json_agg(c.relname), '[]') from pg_catalog.pg_class c
    where c.relname = any ($1) and c.relnamespace = 'pg_catalog'::regnamespace),
  'ownFunctions', (
    select coalesce(json_agg(distinct p.proname), '[]')
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'public'
    where p.proname = any ($2)),
  'rowFunctions', ${CALLED_WITH_ONE('public', TAKES_A_ROW)},
  'builtInRowFunctions', ${CALLED_WITH_ONE('pg_catalog', `t.typtype = 'p' and ${CALLABLE}`)},
  'valueFunctions', ${CALLED_WITH_ONE('public', NO_SUCH_COLUMN)},
  'builtInValueFunctions', ${CALLED_WITH_ONE('pg_catalog', CALLABLE)}
) as facts`;
