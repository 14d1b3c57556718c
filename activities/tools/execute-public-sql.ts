import { z } from 'zod';
import type { SqlResult } from '../../db/sql-sandbox/sql-sandbox.ts';
import type { Json } from '../../domain/text/json-value.ts';
import { isSqlRefusal } from '../attempt/thrown.ts';
import { MAX_RESULT_CHARS } from './fit-result.ts';
import { defineTool, type Tool, type ToolDeps, toolFailure, type ToolOutcome } from './tool.ts';

const input = z.object({
  sql: z.string().describe('Without parameters'),
});

/** Characters of a cell that are shown. A query can select one cell to show more of it. */
const MAX_CELL_CHARS = 2_000;
// Type ids of pg_type whose values JSON can hold.
const BOOL = 16;
const INTEGERS = [20, 21, 23, 26];
const JSON_TYPES = [114, 3802];

/** Runs a read-only query on the tables of public. Every fault of the query is a result, so the query is never retried. */
export function createExecutePublicSqlTool(deps: Pick<ToolDeps, 'sandbox'>): Tool {
  return defineTool<z.infer<typeof input>>({
    description: `Runs one read-only PostgreSQL query (SELECT, WITH, VALUES, EXPLAIN) on schema public: at most 200 rows, 5 seconds. For looking at data, and for trying a query of a block. Built-in functions run; other functions, system catalogs, settings and platform tables (schema ai) are refused.
Example: {"sql":"select status, count(*) from orders group by status"}`,
    input,
    preview: ({ sql }) => `${sql.length} characters`,
    async run({ sql }, context) {
      return asOutcome(async () => toOutcome(await deps.sandbox.query(sql, context.signal)));
    },
  });
}

/** The tool result for a refusal of the sandbox. Any other error is thrown. */
export async function asOutcome(work: () => Promise<ToolOutcome>): Promise<ToolOutcome> {
  try {
    return await work();
  } catch (error: unknown) {
    if (!isSqlRefusal(error)) throw error;
    return toolFailure(error.code, error.message, error.hint?.slice(0, MAX_RESULT_CHARS / 2));
  }
}

function toOutcome({ columns, rows, hasMore, notes }: SqlResult): ToolOutcome {
  const types = columns.map(({ typeOid }) => typeOid);
  const result = {
    columns: columns.map(({ name, type }) => ({ name, type })),
    rows: [] as Json[][],
    row_count: 0,
    truncated: hasMore,
    ...(notes.length > 0 ? { notes } : {}),
  };
  let chars = JSON.stringify(result).length + 200;
  for (const row of rows) {
    const cells = row.map((value, index) => toJson(value, types[index]!));
    chars += JSON.stringify(cells).length + 1;
    if (chars > MAX_RESULT_CHARS) {
      result.truncated = true;
      break;
    }
    result.rows.push(cells);
  }
  result.row_count = result.rows.length;
  const hint = 'There is more: aggregate, filter, select fewer columns, or page with limit and offset.';
  const whole = { ...result, ...(result.truncated ? { hint } : {}) };
  if (JSON.stringify(whole).length > MAX_RESULT_CHARS)
    return toolFailure(
      'result_too_large',
      'The result has too many columns to show.',
      'Select fewer columns.',
    );
  return { result: whole, isError: false };
}

/** The value of a JSON text, or the text itself where JavaScript would change a number of the value. */
function exactJson(text: string): Json {
  let exact = true;
  try {
    const value = JSON.parse(text, (_key: string, part: unknown, context?: { source?: string }) => {
      const source = context?.source;
      if (typeof part === 'number' && source !== undefined && !isExact(part, source)) exact = false;
      return part;
    }) as Json;
    return exact ? value : text;
  } catch {
    return text;
  }
}

/** Whether a number keeps its value as a double: a safe integer, or at most 15 digits between the zeros at both ends. */
function isExact(value: number, source: string): boolean {
  if (Number.isSafeInteger(value) && String(value) === source) return true;
  const digits = source
    .replace(/e.*$/i, '')
    .replace(/\D/g, '')
    .replace(/^0+|0+$/g, '');
  return Number.isFinite(value) && digits.length <= 15 && (value !== 0 || digits === '');
}

function toJson(text: string | null, type: number): Json {
  if (text === null) return null;
  if (type === BOOL) return text === 't';
  if (INTEGERS.includes(type) && Number.isSafeInteger(Number(text))) return Number(text);
  if (JSON_TYPES.includes(type) && text.length <= MAX_CELL_CHARS) {
    return exactJson(text);
  }
  return text.length <= MAX_CELL_CHARS
    ? text
    : `${text.slice(0, MAX_CELL_CHARS).toWellFormed()}... [truncated]`;
}
