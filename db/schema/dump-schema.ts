/**
 * Writes the schema as SQL text, from the catalog, sorted by name. `npm run db:dump` updates the committed dump, in which
 * a review sees each change of the schema.
 */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';

/** The tables, columns, constraints, indexes, functions and triggers of schema ai. */
export async function dumpSchema(db: Knex): Promise<string> {
  const columns = await rowsOf<{ table_name: string; line: string }>(
    db,
    `select c.relname as table_name,
       format('  %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
         case when a.attnotnull then ' not null' else '' end,
         coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) as line
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'ai'
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where c.relkind = 'r' order by c.relname collate "C", a.attname collate "C"`,
  );
  const constraints = await rowsOf<{ table_name: string; line: string }>(
    db,
    `select c.relname as table_name, format('  constraint %I %s', k.conname, pg_get_constraintdef(k.oid)) as line
     from pg_constraint k
     join pg_class c on c.oid = k.conrelid
     join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'ai'
     where k.contype <> 'n' order by c.relname collate "C", k.conname collate "C"`,
  );
  const indexes = await rowsOf<{ line: string }>(
    db,
    `select indexdef as line from pg_indexes i where schemaname = 'ai'
       and not exists (select 1 from pg_constraint k join pg_namespace n on n.oid = k.connamespace where n.nspname = 'ai' and k.conname = i.indexname)
     order by indexname collate "C"`,
  );
  const functions = await rowsOf<{ line: string }>(
    db,
    `select pg_get_functiondef(p.oid) as line from pg_proc p
     join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'ai' order by p.proname collate "C"`,
  );
  const triggers = await rowsOf<{ line: string }>(
    db,
    `select pg_get_triggerdef(t.oid) as line from pg_trigger t
     join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'ai'
     where not t.tgisinternal order by t.tgname collate "C"`,
  );
  const tables = [...new Set(columns.map((row) => row.table_name))];
  const bodies = tables.map((table) => {
    const lines = [...columns, ...constraints]
      .filter((row) => row.table_name === table)
      .map((row) => row.line);
    return `create table ai.${table} (\n${lines.join(',\n')}\n);\n`;
  });
  return `-- Made by db/schema/dump-schema.ts. Columns and constraints are sorted by name.\n\n${bodies.join('\n')}\n${[
    indexes,
    functions,
    triggers,
  ]
    .flat()
    .map((row) => `${row.line.trimEnd()};`)
    .join('\n')}\n`;
}
