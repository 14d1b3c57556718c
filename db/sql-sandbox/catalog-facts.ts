/** Reads from the catalogs what the names of a query refer to. */
import type { QueryNames } from './collect-names.ts';
import { HAS_CODE, UNSAFE_CODE, UNSAFE_PLACE } from './unsafe-objects.ts';

/** Runs one catalog statement with parameters, on the connection that will run the model's query. */
export type CatalogReader = <T>(sql: string, values: unknown[]) => Promise<T[]>;

export interface RelationFacts {
  name: string;
  /** Whether the connected role may select from it. */
  granted: boolean;
  row_security: boolean;
  /** Whether row level security binds the connected role. */
  row_security_active: boolean;
  /** Why the relation itself is not safe to read; null when it is. */
  unsafe: string | null;
  /** Whether the relation has indexes or columns with expressions that may be unsafe. */
  has_code: boolean;
  /** The definition of a view; null for all other relations. */
  definition: string | null;
  /** Whose rights a view reads with: the caller's or its owner's. `stored`: a materialised view, filled by its owner. */
  reads_as: 'invoker' | 'owner' | 'stored';
  /** The relation's columns among the names that follow a dot in the query. */
  columns: string[];
}

export interface CatalogFacts {
  /** Relations of public that the query names as a relation or a type. */
  relations: RelationFacts[];
  systemRelations: string[];
  /** Functions of public whose name the query calls. */
  ownFunctions: string[];
  /** Functions that `x.name` may call: those that can take one argument. */
  dotFunctions: {
    name: string;
    builtIn: boolean;
    /** Whether the argument may be a row without a column of this name. */
    ofRow: boolean;
  }[];
}

export async function loadFacts(read: CatalogReader, names: QueryNames): Promise<CatalogFacts> {
  const own = names.types.filter(({ schema }) => schema !== 'pg_catalog');
  const rows = await read<{ facts: CatalogFacts }>(FACTS, [
    [...new Set([...names.relations, ...own].map(({ name }) => name))],
    [...new Set(names.functions.map(({ name }) => name))],
    [...new Set(names.attributes.map(({ name }) => name))],
  ]);
  const { facts } = rows[0]!;
  for (const relation of facts.relations) {
    if (relation.unsafe !== null || !relation.has_code) continue;
    const found = await read<{ unsafe: string | null }>(CODE, [relation.name]);
    relation.unsafe = found[0]?.unsafe ?? null;
  }
  return facts;
}

const CODE = `select ${UNSAFE_CODE} as unsafe
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
  where c.relname = $1`;

/** SQL for a view's definition, or null. `c` is the relation's pg_class row. */
const VIEW = `case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end`;
const READS_AS = `case when c.relkind = 'm' then 'stored'
    when c.relkind = 'v' and exists (
      select 1 from pg_catalog.pg_options_to_table(c.reloptions) o
      where o.option_name = 'security_invoker' and o.option_value::bool
    ) then 'invoker' else 'owner' end`;

const DOT_FUNCTIONS = `(
    select coalesce(json_agg(json_build_object('name', f.proname, 'builtIn', n.nspname = 'pg_catalog', 'ofRow',
      t.typtype = 'p' or coalesce(b.typtype, t.typtype) = 'c' or f.provariadic <> 0)), '[]')
    from pg_catalog.pg_proc f
      join pg_catalog.pg_namespace n on n.oid = f.pronamespace and n.nspname in ('public', 'pg_catalog')
      join pg_catalog.pg_type t on t.oid = f.proargtypes[0]
      left join pg_catalog.pg_type b on b.oid = t.typbasetype
    where f.proname = any ($3) and f.pronargs >= 1 and f.pronargs - f.pronargdefaults <= 1
      and t.typname not in ('internal', 'cstring')
      and not exists (
        select 1 from pg_catalog.pg_attribute a
        where a.attrelid = t.typrelid and a.attname = f.proname and a.attnum > 0 and not a.attisdropped))`;

const FACTS = `select pg_catalog.json_build_object(
  'relations', (
    select coalesce(json_agg(json_build_object('name', c.relname,
      'granted', pg_catalog.has_table_privilege(c.oid, 'select'),
      'row_security', c.relrowsecurity,
      'row_security_active', c.relrowsecurity and pg_catalog.row_security_active(c.oid),
      'unsafe', ${UNSAFE_PLACE},
      'has_code', ${HAS_CODE},
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
  'dotFunctions', ${DOT_FUNCTIONS}
) as facts`;
