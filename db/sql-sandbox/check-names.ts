/**
 * What the names of a query mean in this database: whether it reads only what is safe, and runs only what is built in.
 * A view is as safe as its own definition, which goes through the same checks.
 */
import { nearestNames } from '../../domain/block-registry.ts';
import { ALLOWED_FUNCTIONS } from './allowed-functions.ts';
import { checkSyntax, type QualifiedName, type QueryNames, SqlRefusal } from './check-syntax.ts';

/** Runs one statement of ours with parameters, on the connection that is to run the query too. */
export type CatalogReader = <T>(sql: string, values: unknown[]) => Promise<T[]>;

export interface ReadRelation {
  name: string;
  /** Whether the connected role may select from it. */
  granted: boolean;
  /** Whether row level security may hide rows of it. */
  rowSecurity: boolean;
}

const MAX_VIEW_DEPTH = 16;
const MAX_NEAREST_OF = 2_000;
/** Casts to these look names of the catalog up; those of text search configurations are harmless. */
const CATALOG_TYPES = /^_?reg(?:class|proc|procedure|oper|operator|type|role|namespace|collation|database)$/;
/** The form of these with fewer arguments runs SQL out of its text. */
const MIN_ARGUMENTS: ReadonlyMap<string, number> = new Map([['ts_rewrite', 3]]);

/** Checks the names of a query. Throws SqlRefusal; returns the tables that it reads by itself. */
export async function checkNames(read: CatalogReader, names: QueryNames, depth = 0): Promise<ReadRelation[]> {
  if (depth > MAX_VIEW_DEPTH) throw new SqlRefusal('not_readable', 'The views nest too deep.');
  checkQualifiers(names);
  const facts = await loadFacts(read, names);
  checkFunctions(names, facts);
  checkTypes(names, facts);
  const relations: ReadRelation[] = [];
  for (const { name } of distinct(names.relations)) {
    const found = facts.relations.find((relation) => relation.name === name);
    if (facts.systemRelations.includes(name)) throw refusedSchema('pg_catalog', name);
    if (!found) throw await unknownRelation(read, name);
    if (found.unsafe !== null)
      throw new SqlRefusal(
        'not_readable',
        `${name} ${found.unsafe}, so it is not readable here.`,
        PUBLIC_ONLY,
      );
    if (found.definition !== null) await checkView(read, name, found.definition, depth);
    relations.push({ name, granted: found.granted, rowSecurity: found.row_security });
  }
  return relations;
}

const PUBLIC_ONLY =
  'Readable are the tables of public, and views over them; get_db_schema lists them. For agents, knowledge bases, workflows and runs use list_project_assets, get_asset_details and get_workflow_run_logs.';

interface Facts {
  relations: {
    name: string;
    granted: boolean;
    row_security: boolean;
    unsafe: string | null;
    definition: string | null;
  }[];
  systemRelations: string[];
  ownFunctions: string[];
  rowFunctions: string[];
  unsafeOperators: string[];
  unsafeTypes: string[];
  unsafeCasts: { target: string; source: string; row_of: string | null; in_column: boolean }[];
}

/** Everything that the catalogs know of these names, in one statement. */
async function loadFacts(read: CatalogReader, names: QueryNames): Promise<Facts> {
  const of = (list: readonly QualifiedName[]): string[] => distinct(list).map(({ name }) => name);
  const rows = await read<{ facts: Facts }>(FACTS, [
    of(names.relations),
    of(names.functions),
    [...new Set(names.attributes)],
    of(names.operators),
    of(names.types),
  ]);
  return rows[0]!.facts;
}

/** Why a relation of public is not safe to read, or null. `c` is its pg_class row. */
export const UNSAFE_RELATION = `case
    when c.relkind = 'f' then 'reads another server'
    when c.relkind not in ('r', 'p', 'v', 'm') then 'is no table'
    when exists (
      with recursive below as (
        select i.inhrelid as oid from pg_catalog.pg_inherits i where i.inhparent = c.oid
        union select i.inhrelid from pg_catalog.pg_inherits i join below b on i.inhparent = b.oid
      )
      select 1 from below join pg_catalog.pg_class d on d.oid = below.oid
        join pg_catalog.pg_namespace n on n.oid = d.relnamespace
      where d.relkind = 'f' or (n.nspname <> 'public' and (n.nspname = 'ai' or not d.relispartition))
    ) then 'has parts in another schema'
    when exists (
      select 1 from pg_catalog.pg_cast k join pg_catalog.pg_proc f on f.oid = k.castfunc
        join pg_catalog.pg_language l on l.oid = f.prolang
      where k.castsource = c.reltype and k.castcontext <> 'e' and (f.prosecdef or l.lanname not in ('c', 'internal'))
    ) then 'has casts that run functions'
  end`;

const FACTS = `select pg_catalog.json_build_object(
  'relations', (
    select coalesce(json_agg(json_build_object('name', c.relname,
      'granted', pg_catalog.has_table_privilege(c.oid, 'select'),
      'row_security', c.relrowsecurity,
      'unsafe', ${UNSAFE_RELATION},
      'definition', case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end)), '[]')
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    where c.relname = any ($1) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')),
  'systemRelations', (
    select coalesce(json_agg(c.relname), '[]') from pg_catalog.pg_class c
    where c.relname = any ($1) and c.relnamespace = 'pg_catalog'::regnamespace),
  'ownFunctions', (
    select coalesce(json_agg(distinct p.proname), '[]')
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'public'
    where p.proname = any ($2)),
  -- What \`row.name\` may call: a function of one argument that takes a row, where the row has no such column.
  'rowFunctions', (
    select coalesce(json_agg(distinct p.proname), '[]')
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'public'
    where p.proname = any ($3) and p.pronargs >= 1 and p.pronargs - p.pronargdefaults <= 1
      and exists (
        select 1 from pg_catalog.pg_type t
          left join pg_catalog.pg_type b on b.oid = t.typbasetype
        where t.oid = p.proargtypes[0] and (t.typtype = 'p' or coalesce(b.typtype, t.typtype) = 'c')
          and not exists (
            select 1 from pg_catalog.pg_attribute a
            where a.attrelid = t.typrelid and a.attname = p.proname and a.attnum > 0 and not a.attisdropped))),
  'unsafeOperators', (
    select coalesce(json_agg(distinct o.oprname), '[]')
    from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace and n.nspname = 'public'
      join pg_catalog.pg_proc f on f.oid = o.oprcode join pg_catalog.pg_language l on l.oid = f.prolang
    where o.oprname = any ($4) and (f.prosecdef or l.lanname not in ('c', 'internal'))),
  'unsafeTypes', (
    select coalesce(json_agg(distinct t.typname), '[]')
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace and n.nspname = 'public'
    where t.typname = any ($5) and exists (
      select 1 from pg_catalog.pg_constraint k
        join pg_catalog.pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid
          and d.refclassid = 'pg_proc'::regclass
      where k.contypid = t.oid)),
  -- Casts to a named type that run a function of the database, and whether a value of their source can be at hand.
  'unsafeCasts', (
    select coalesce(json_agg(json_build_object('target', t.typname, 'source', s.typname,
      'row_of', (select c.relname from pg_catalog.pg_class c where c.oid = s.typrelid and c.relname = any ($1)),
      'in_column', exists (
        select 1 from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
        where a.atttypid = s.oid and c.relname = any ($1) and a.attnum > 0 and not a.attisdropped))), '[]')
    from pg_catalog.pg_cast k join pg_catalog.pg_type t on t.oid = k.casttarget
      join pg_catalog.pg_type s on s.oid = k.castsource
      join pg_catalog.pg_proc f on f.oid = k.castfunc join pg_catalog.pg_language l on l.oid = f.prolang
    where t.typname = any ($5) and (f.prosecdef or l.lanname not in ('c', 'internal')))
) as facts`;

function distinct(names: readonly QualifiedName[]): QualifiedName[] {
  return [...new Map(names.map((name) => [name.name, name])).values()];
}

function checkQualifiers(names: QueryNames): void {
  for (const { schema, name } of names.relations)
    if (schema !== null && schema !== 'public') throw refusedSchema(schema, name);
  for (const { schema, name } of names.operators) {
    if (schema !== null && schema !== 'pg_catalog')
      throw new SqlRefusal(
        'operator',
        `The operator ${schema}.${name} is none of PostgreSQL's own.`,
        'Use built-in ones.',
      );
  }
  for (const { schema, name } of names.types) {
    if (schema !== null && schema !== 'public' && schema !== 'pg_catalog') throw refusedSchema(schema, name);
  }
}

function refusedSchema(schema: string, name: string): SqlRefusal {
  const what =
    schema === 'pg_catalog' || schema === 'information_schema' ? 'The system catalogs are' : `${schema}.* is`;
  return new SqlRefusal('not_readable', `${what} not readable here (${schema}.${name}).`, PUBLIC_ONLY);
}

async function unknownRelation(read: CatalogReader, name: string): Promise<SqlRefusal> {
  const rows = await read<{ relname: string }>(
    `select c.relname from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
     where c.relkind in ('r', 'p', 'v', 'm') order by 1 limit ${MAX_NEAREST_OF}`,
    [],
  );
  const all = rows.map((row) => row.relname);
  const nearest = nearestNames(name, all, 3);
  return new SqlRefusal(
    'unknown_table',
    `There is no table ${name} in public.`,
    nearest.length > 0
      ? `Nearest: ${nearest.join(', ')}. ${PUBLIC_ONLY}`
      : all.length === 0
        ? 'public has no tables.'
        : PUBLIC_ONLY,
  );
}

function checkFunctions(names: QueryNames, facts: Facts): void {
  for (const { schema, name, args } of names.functions) {
    const own = schema === null && facts.ownFunctions.includes(name);
    if (schema !== null && schema !== 'pg_catalog')
      throw new SqlRefusal(
        'function',
        `${schema}.${name} is a function of the database; those do not run here.`,
        BUILT_IN,
      );
    if (!ALLOWED_FUNCTIONS.has(name))
      throw new SqlRefusal(
        'function',
        `The function ${name} does not run here.`,
        own ? BUILT_IN : `${suggestFunctions(name)}${BUILT_IN}`,
      );
    if (own)
      throw new SqlRefusal(
        'function',
        `The database has a function ${name} of its own, which could run instead of the built-in one.`,
        `Write pg_catalog.${name}(...).`,
      );
    if (args < (MIN_ARGUMENTS.get(name) ?? 0))
      throw new SqlRefusal('function', `${name} with ${args} arguments would run SQL out of a text.`);
  }
  for (const name of names.attributes) {
    if (facts.rowFunctions.includes(name))
      throw new SqlRefusal(
        'function',
        `.${name} could call the function ${name} of the database on a row.`,
        `Where ${name} is a column, write it without the table's name.`,
      );
  }
  for (const { schema, name } of names.operators) {
    if (schema === null && facts.unsafeOperators.includes(name))
      throw new SqlRefusal(
        'operator',
        `The database has an operator ${name} of its own, which could run a function.`,
        `For the built-in one write OPERATOR(pg_catalog.${name}).`,
      );
  }
}

const BUILT_IN =
  'Functions that run: aggregates, window functions, text, number, date, json, array, range and text search functions of PostgreSQL.';

function suggestFunctions(name: string): string {
  const nearest = nearestNames(name, [...ALLOWED_FUNCTIONS], 3);
  return nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : '';
}

function checkTypes(names: QueryNames, facts: Facts): void {
  for (const { name } of names.types) {
    if (CATALOG_TYPES.test(name))
      throw new SqlRefusal(
        'type',
        `A cast to ${name} looks names up in the catalogs.`,
        'Cast to text instead.',
      );
    if (facts.unsafeTypes.includes(name))
      throw new SqlRefusal(
        'type',
        `Casts to ${name} run functions of the database.`,
        'Cast to text instead.',
      );
  }
  for (const { target, source, row_of, in_column } of facts.unsafeCasts) {
    const atHand =
      in_column || (row_of !== null && names.wholeRows) || names.types.some(({ name }) => name === source);
    if (atHand)
      throw new SqlRefusal(
        'type',
        `A cast of ${source} to ${target} would run a function of the database.`,
        `Select the columns of ${source} one by one.`,
      );
  }
}

async function checkView(
  read: CatalogReader,
  name: string,
  definition: string,
  depth: number,
): Promise<void> {
  try {
    await checkNames(read, checkSyntax(definition, { isView: true }), depth + 1);
  } catch (error: unknown) {
    if (!(error instanceof SqlRefusal)) throw error;
    // What is inside of it is not the asker's to know.
    throw new SqlRefusal(
      'not_readable',
      `The view ${name} reads or runs something beyond the tables of public, so it is not readable here.`,
      PUBLIC_ONLY,
    );
  }
}
