/** Reads and builds nodes of PostgreSQL's parse tree. */
import { parseSync } from 'libpg-query';

export type Tree = Record<string, unknown>;

/** The type and the fields of a node `{Type: fields}`; null for anything else. */
export function nodeOf(value: unknown): { type: string; fields: Tree } | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const keys = Object.keys(value);
  if (keys.length !== 1 || !/^[A-Z]/.test(keys[0]!)) return null;
  return { type: keys[0]!, fields: ((value as Tree)[keys[0]!] ?? {}) as Tree };
}

/** The last part of a qualified name, such as `pg_catalog.lower`. */
export function lastName(list: unknown): string {
  const last = Array.isArray(list) ? nodeOf(list.at(-1)) : null;
  const text = last?.type === 'String' ? last.fields.sval : '';
  return typeof text === 'string' ? text : '';
}

/** Parses an SQL expression and replaces its column `x` by a node. */
export function expression(sql: string, x: unknown): Tree {
  const { stmts } = parseSync(`select ${sql}`) as { stmts: { stmt: { SelectStmt: Tree } }[] };
  const [target] = stmts[0]!.stmt.SelectStmt.targetList as { ResTarget: { val: Tree } }[];
  let uses = 0;
  const fill = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value !== 'object' || value === null) return value;
    const node = nodeOf(value);
    // The first use is the node itself, because other code knows the node by identity. Further uses are copies.
    if (node?.type === 'ColumnRef' && lastName(node.fields.fields) === 'x')
      return uses++ === 0 ? x : structuredClone(x);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]));
  };
  return fill(target!.ResTarget.val) as Tree;
}

const PLACES = new Set([
  'location',
  'list_start',
  'list_end',
  'rexpr_list_start',
  'rexpr_list_end',
  'stmt_location',
  'stmt_len',
  // How a call was written: as SQL syntax or as a plain call. The function is the same.
  'funcformat',
]);

/** A text that is equal for trees of the same meaning: keys are sorted and positions in the source are left out. */
export function canonical(tree: unknown): string {
  return JSON.stringify(tree, (key, value: unknown) => {
    if (PLACES.has(key)) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The name that the server gives to a column without an alias; null when that is `?column?`. */
export function columnName(value: unknown): string | null {
  const node = nodeOf(value);
  if (node === null) return null;
  const { type, fields } = node;
  switch (type) {
    case 'FuncCall':
      return lastName(fields.funcname);
    case 'ColumnRef':
      return lastName(fields.fields) || null;
    case 'A_Indirection':
      return lastName(fields.indirection) || columnName(fields.arg);
    case 'TypeCast':
      return columnName(fields.arg) ?? lastName((fields.typeName as Tree).names);
    case 'CollateClause':
      return columnName(fields.arg);
    case 'CaseExpr':
      return columnName(fields.defresult) ?? 'case';
    case 'CoalesceExpr':
      return 'coalesce';
    case 'MinMaxExpr':
      return fields.op === 'IS_LEAST' ? 'least' : 'greatest';
    case 'A_ArrayExpr':
      return 'array';
    case 'RowExpr':
      return 'row';
    case 'A_Expr':
      return fields.kind === 'AEXPR_NULLIF' ? 'nullif' : null;
    case 'XmlExpr':
      return String(fields.op).replace('IS_', '').toLowerCase();
    case 'SubLink': {
      if (fields.subLinkType === 'ARRAY_SUBLINK') return 'array';
      if (fields.subLinkType === 'EXISTS_SUBLINK') return 'exists';
      const select = nodeOf(fields.subselect)?.fields;
      const target = nodeOf((select?.targetList as unknown[] | undefined)?.[0])?.fields;
      return target === undefined ? null : ((target.name as string | undefined) ?? columnName(target.val));
    }
    default:
      return null;
  }
}
