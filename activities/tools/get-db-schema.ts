import { z } from 'zod';
import type { SchemaResult } from '../../db/sql-sandbox/sql-sandbox.ts';
import { asOutcome } from './execute-public-sql.ts';
import { MAX_RESULT_CHARS } from './fit-result.ts';
import { defineTool, type Tool, type ToolDeps, toolFailure, type ToolOutcome } from './tool.ts';

const input = z.object({
  tables: z.array(z.string().max(200)).max(50).optional(),
  search: z.string().max(200).optional().describe('A part of a name, column or comment'),
});

/** Describes the tables that execute_public_sql can read. */
export function createGetDbSchemaTool(deps: Pick<ToolDeps, 'sandbox'>): Tool {
  return defineTool<z.infer<typeof input>>({
    description: `Describes the project's own tables and views (schema public): columns, keys, comments, row estimates. Use it before you write SQL.
Example: {"search":"order"}`,
    input,
    preview: ({ tables, search }) =>
      tables ? `${tables.length} tables` : search === undefined ? 'all' : 'search',
    run: ({ tables, search }, context) =>
      asOutcome(async () => {
        const found = await deps.sandbox.schema(
          { tables: tables ?? null, search: search?.replaceAll('\0', '').toWellFormed() ?? null },
          context.signal,
        );
        return toOutcome(found);
      }),
  });
}

function toOutcome({ total, readable, tables, unknown, nearest: near }: SchemaResult): ToolOutcome {
  const missing = unknown.length > 0 ? { unknown: unknown.slice(0, 20) } : {};
  if (total === 0 && unknown.length > 0) {
    const nearest = [...new Set(unknown.flatMap((miss) => miss.nearest))].slice(0, 10);
    return toolFailure(
      'unknown_table',
      `No such table in public: ${unknown
        .slice(0, 10)
        .map(({ name }) => name)
        .join(', ')}.`,
      `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}${countTables(readable)}`,
    );
  }
  if (total === 0) {
    const names = near.length > 0 ? `Nearest: ${near.join(', ')}. ` : '';
    const what = readable > 0 ? 'Nothing matches in name, columns or comment. ' : '';
    return { result: { total, tables: [], hint: `${what}${names}${countTables(readable)}` }, isError: false };
  }
  const shown: SchemaResult['tables'] = [];
  const namesOnly = tables.length > 0 && !('columns' in tables[0]!);
  const result = { total, tables: shown, ...missing };
  let chars = JSON.stringify(result).length + 400;
  for (const table of tables) {
    chars += JSON.stringify(table).length + 1;
    if (chars > MAX_RESULT_CHARS) break;
    shown.push(table);
  }
  // One table may be wider than a result. The model gets its first columns, and is told how to get the others.
  const [first] = tables;
  if (shown.length === 0 && first && 'columns' in first) {
    const { columns, ...table } = first;
    const some: typeof columns = [];
    let room = MAX_RESULT_CHARS - JSON.stringify({ ...result, tables: [table] }).length - 500;
    for (const column of columns) {
      room -= JSON.stringify(column).length + 1;
      if (room < 0) break;
      some.push(column);
    }
    shown.push({ ...table, columns: some, columns_left_out: columns.length - some.length } as typeof first);
  }
  const leftOut = tables.length - shown.length;
  return {
    result: {
      ...result,
      ...(leftOut > 0 ? { truncated: true, left_out: leftOut } : {}),
      ...(namesOnly || leftOut > 0
        ? { hint: 'For the columns of some tables, or for the ones left out, ask with tables or search.' }
        : {}),
    },
    isError: false,
  };
}

function countTables(readable: number): string {
  return readable === 0
    ? 'public has no readable tables.'
    : `public has ${readable} readable table${readable === 1 ? '' : 's'}; without arguments all are listed.`;
}
