/** Refusals of tables. Their hints name the tables that can be read. */
import { nearestNames } from '../../domain/rules/block-registry.ts';
import type { CatalogReader } from './catalog-facts.ts';
import { SqlRefusal } from './sql-refusal.ts';

const MAX_NEAREST_OF = 2_000;
export const PUBLIC_ONLY =
  'Readable are the tables of public, and views over them; get_db_schema lists them. For agents, knowledge bases, workflows and runs use list_project_assets, get_asset_details and get_workflow_run_logs.';

export function refusedSchema(schema: string, name: string): SqlRefusal {
  const what =
    schema === 'pg_catalog' || schema === 'information_schema' ? 'The system catalogs are' : `${schema}.* is`;
  return new SqlRefusal('not_readable', `${what} not readable here (${schema}.${name}).`, PUBLIC_ONLY);
}

export async function unknownRelation(read: CatalogReader, name: string): Promise<SqlRefusal> {
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
