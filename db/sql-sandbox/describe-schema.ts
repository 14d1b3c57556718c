/** Describes the tables that a query may read, from the catalogs. */
import { nearestNames } from '../../domain/rules/block-registry.ts';
import { hideInText, isSecretName } from '../../domain/text/hide-secrets.ts';
import { oidNumber } from '../connection/sql-rows.ts';
import { type CatalogReader, isSafeView, UNSAFE_RELATION } from './check-names.ts';

export interface SchemaRequest {
  tables: string[] | null;
  search: string | null;
}

export interface TableSummary {
  name: string;
  kind: 'table' | 'view';
  /** The planner's estimate; null for a plain view and for a table that was never analysed. */
  rows_estimate: number | null;
}

export interface TableDetails extends TableSummary {
  comment?: string;
  columns: { name: string; type: string; nullable: boolean; default?: string; comment?: string }[];
  primary_key?: string[];
  foreign_keys?: { columns: string[]; references: string }[];
}

export interface SchemaResult {
  /** How many tables match. */
  total: number;
  /** How many tables can be read. */
  readable: number;
  /** The tables that match, by name. With more than DETAILED tables, summaries only. */
  tables: (TableDetails | TableSummary)[];
  unknown: { name: string; nearest: string[] }[];
  /** The names nearest to a search that matches nothing. */
  nearest: string[];
  /** Safe tables that the role has no grant for, or not yet. */
  closed: string[];
}

/** The most tables that are described with their columns. */
const DETAILED = 100;
const MAX_COMMENT_CHARS = 300;
const MAX_DEFAULT_CHARS = 120;

/** Describes the readable tables that match the request. */
export async function describeSchema(read: CatalogReader, request: SchemaRequest): Promise<SchemaResult> {
  const all = await listReadable(read);
  const readable = all.filter(({ granted }) => granted);
  const names = readable.map(({ name }) => name);
  const wanted =
    request.tables?.map((name) => name.replace(/^public\./i, '').replace(/^"(.*)"$/, '$1')) ?? null;
  const unknown: SchemaResult['unknown'] = [];
  let chosen = readable;
  if (wanted) {
    const found = new Set<string>();
    for (const name of wanted) {
      const match = names.includes(name)
        ? name
        : names.find((other) => other.toLowerCase() === name.toLowerCase());
      if (match === undefined) unknown.push({ name, nearest: nearestNames(name, names, 3) });
      else found.add(match);
    }
    chosen = readable.filter(({ name }) => found.has(name));
  }
  const search = request.search?.trim().toLowerCase() ?? '';
  if (search !== '') {
    const hits = new Set(
      await findByColumnOrComment(
        read,
        chosen.map(({ oid }) => oid),
        search,
      ),
    );
    chosen = chosen.filter(({ name, oid }) => name.toLowerCase().includes(search) || hits.has(oid));
  }
  const closed = all.filter(({ granted }) => !granted).map(({ name }) => name);
  const summaries = chosen.map(({ name, kind, rows_estimate }) => ({ name, kind, rows_estimate }));
  const nearest = search !== '' && chosen.length === 0 ? nearestNames(search, names, 5) : [];
  const found = { total: chosen.length, readable: readable.length, unknown, nearest, closed };
  if (chosen.length > DETAILED) return { ...found, tables: summaries };
  const details = await loadDetails(
    read,
    chosen.map(({ oid }) => oid),
  );
  return {
    ...found,
    tables: chosen.map(({ oid }, index) => ({ ...summaries[index]!, ...details.get(oid)! })),
  };
}

interface Readable extends TableSummary {
  oid: number;
  granted: boolean;
}

async function listReadable(read: CatalogReader): Promise<Readable[]> {
  const rows = await read<Readable & { unsafe: string | null; unbound: boolean }>(
    `select ${oidNumber('c.oid')} as oid, c.relname as name, ${UNSAFE_RELATION} as unsafe,
       case when c.relkind in ('v', 'm') then 'view' else 'table' end as kind,
       case when c.relkind <> 'v' and c.reltuples >= 0 then c.reltuples::float8 end as rows_estimate,
       has_table_privilege(c.oid, 'select') as granted,
       c.relrowsecurity and not row_security_active(c.oid) as unbound
     from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
     where c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
     order by c.relname`,
    [],
  );
  const readable: Readable[] = [];
  for (const { unsafe, unbound, ...table } of rows) {
    if (unsafe !== null || unbound) continue;
    if (table.kind === 'table' || (await isSafeView(read, table.name, { asReader: true })))
      readable.push(table);
  }
  return readable;
}

/** The oids of tables with a column name or a comment that contains the text. */
async function findByColumnOrComment(read: CatalogReader, oids: number[], search: string): Promise<number[]> {
  const rows = await read<{ oid: number }>(
    `select ${oidNumber('a.attrelid')} as oid from pg_attribute a
     where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped and strpos(lower(a.attname), $2) > 0
     union
     select ${oidNumber('d.objoid')} from pg_description d
     where d.classoid = 'pg_class'::regclass and d.objoid = any ($1::oid[]) and strpos(lower(d.description), $2) > 0`,
    [oids, search],
  );
  return rows.map((row) => row.oid);
}

type Details = Pick<TableDetails, 'columns' | 'comment' | 'primary_key' | 'foreign_keys'>;

async function loadDetails(read: CatalogReader, oids: number[]): Promise<Map<number, Details>> {
  const rows = await read<{
    oid: number;
    comment: string | null;
    columns: {
      name: string;
      type: string;
      nullable: boolean;
      default: string | null;
      comment: string | null;
    }[];
    primary_key: string[] | null;
    foreign_keys: { columns: string[]; references: string }[] | null;
  }>(
    `select ${oidNumber('c.oid')} as oid, obj_description(c.oid, 'pg_class') as comment,
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
            'nullable', not a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid),
            'comment', col_description(a.attrelid, a.attnum)) order by a.attnum)
          from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       (select json_agg(a.attname order by k.n)
          from pg_constraint p cross join unnest(p.conkey) with ordinality as k (attnum, n)
            join pg_attribute a on a.attrelid = p.conrelid and a.attnum = k.attnum
          where p.conrelid = c.oid and p.contype = 'p') as primary_key,
       (select json_agg(json_build_object(
            'columns', (select json_agg(a.attname order by k.n) from unnest(f.conkey) with ordinality as k (attnum, n)
               join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum),
            'references', (select r.relname || '(' || string_agg(a.attname, ', ' order by k.n) || ')'
               from unnest(f.confkey) with ordinality as k (attnum, n)
               join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum)) order by f.conname)
          from pg_constraint f join pg_class r on r.oid = f.confrelid
            join pg_namespace n on n.oid = r.relnamespace and n.nspname = 'public'
          where f.conrelid = c.oid and f.contype = 'f') as foreign_keys
     from pg_class c where c.oid = any ($1::oid[])`,
    [oids],
  );
  return new Map(
    rows.map((row) => [
      row.oid,
      {
        ...(row.comment === null ? {} : { comment: shorten(hideInText(row.comment), MAX_COMMENT_CHARS) }),
        columns: (row.columns ?? []).map((column) => ({
          name: column.name,
          type: column.type,
          nullable: column.nullable,
          ...(column.default === null ? {} : { default: describeDefault(column.name, column.default) }),
          ...(column.comment === null
            ? {}
            : { comment: shorten(hideInText(column.comment), MAX_COMMENT_CHARS) }),
        })),
        ...(row.primary_key === null ? {} : { primary_key: row.primary_key }),
        ...(row.foreign_keys === null ? {} : { foreign_keys: row.foreign_keys }),
      },
    ]),
  );
}

/** Hides a literal default of a column whose name suggests a secret. */
function describeDefault(column: string, text: string): string {
  if (isSecretName(column) && text.includes("'")) return '[hidden]';
  return shorten(hideInText(text), MAX_DEFAULT_CHARS);
}

function shorten(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars).toWellFormed()}... [truncated]`;
}
