/** Reads names, types and outputs from PostgreSQL's parse tree. */
import { SqlRefusal } from './sql-refusal.ts';

export type Node = Record<string, unknown>;

export interface QualifiedName {
  /** Null when the name is not qualified. */
  schema: string | null;
  name: string;
}

/**
 * The outputs of a SELECT whose values are only shown. Empty when DISTINCT, GROUP BY, a set operation, or an ORDER BY with
 * an output's number or alias uses them.
 */
export function plainOutputs(select: Node): WeakSet<object> {
  const outputs = new WeakSet<object>();
  const fields = (select.SelectStmt ?? {}) as Node;
  if ((fields.op ?? 'SETOP_NONE') !== 'SETOP_NONE') return outputs;
  if (fields.distinctClause !== undefined || fields.groupClause !== undefined) return outputs;
  const targets = ((fields.targetList ?? []) as Node[]).map((item) => (item.ResTarget ?? {}) as Node);
  const renamed = new Set(targets.flatMap(({ name }) => (typeof name === 'string' ? [name] : [])));
  for (const item of (fields.sortClause ?? []) as Node[]) {
    const by = ((item.SortBy as Node | undefined)?.node ?? {}) as Node;
    if ('A_Const' in by) return outputs;
    const column = textParts((by.ColumnRef as Node | undefined)?.fields);
    if (column.length === 1 && renamed.has(column[0]!)) return outputs;
  }
  for (const { val } of targets) if (typeof val === 'object' && val !== null) outputs.add(val);
  return outputs;
}

/** The names of the functions of a RangeFunction: a function in FROM, or several in ROWS FROM. */
export function calledIn(rangeFunction: Node): string[] {
  return ((rangeFunction.functions ?? []) as Node[]).flatMap((item) => {
    const [call] = ((item.List as Node | undefined)?.items ?? []) as Node[];
    return textParts((call?.FuncCall as Node | undefined)?.funcname).slice(-1);
  });
}

/** Whether a TypeName names one of these types of pg_catalog, and not an array of it. */
export function isBuiltIn(typeName: Node, allowed: string[]): boolean {
  if (typeName.arrayBounds !== undefined) return false;
  const { schema, name } = qualifiedName(typeName.names);
  return (schema === null || schema === 'pg_catalog') && allowed.includes(name);
}

/** The types that a constant may have. A quoted string counts as text here, although it may become any type. */
export function constantTypes(fields: Node): string[] {
  if (fields.ival !== undefined) return ['int4'];
  if (fields.fval !== undefined) return ['int8', 'numeric'];
  if (fields.boolval !== undefined) return ['bool'];
  if (fields.bsval !== undefined) return ['bit', 'varbit'];
  return ['text'];
}

/** The built-in types of the values that JSON, XML and time syntax makes. */
export function madeBy(type: string): string[] {
  if (type.startsWith('Json')) return ['json', 'jsonb'];
  if (type.startsWith('Xml') || type === 'RangeTableFunc') return ['xml'];
  if (type === 'SQLValueFunction') return ['date', 'time', 'timetz', 'timestamp', 'timestamptz'];
  return [];
}

export function checkCollation({ schema, name }: QualifiedName): void {
  if (schema !== null && schema !== 'public' && schema !== 'pg_catalog')
    throw new SqlRefusal('not_readable', `${schema}.* is not readable here (${schema}.${name}).`);
}

/** The strings of a list of nodes. */
export function textParts(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return (list as Node[]).flatMap((item) => {
    const text = (item.String as { sval?: string } | undefined)?.sval;
    return 'String' in item ? [text ?? ''] : [];
  });
}

/** A name of one part or two. Throws SqlRefusal when it has more. */
export function qualifiedName(list: unknown): QualifiedName {
  const parts = textParts(list);
  if (parts.length > 2) throw new SqlRefusal('other_schema', `${parts.join('.')} names another database.`);
  return { schema: parts.length === 2 ? parts[0]! : null, name: parts.at(-1) ?? '' };
}
