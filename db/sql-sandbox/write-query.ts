/** Writes a changed query tree as text. */
import { parseSync, scanSync } from 'libpg-query';
import { Deparser } from 'pgsql-deparser';
import { SqlRefusal } from './check-syntax.ts';
import { canonical, nodeOf, type Tree } from './expression-tree.ts';

/** About 20 times the size of an ordinary query's tree. A tree of this size is written in under 50 ms. */
const MAX_CHARS = 320_000;

/**
 * Writes a tree that was parsed from `source` and then changed. The text is parsed again and compared with the tree, so
 * that only the checked tree can run. Throws SqlRefusal when the tree can't be written.
 */
export function writeQuery(root: Tree, source: string): string {
  const wanted = canonical(root);
  if (wanted.length > MAX_CHARS) throw tooComplex();
  try {
    const { tree, fill } = takeOut(root, source);
    const sql = fill(new Writer([tree] as never).deparseQuery());
    const { stmts } = parseSync(sql) as { stmts: { stmt: Tree }[] };
    if (stmts.length === 1 && canonical(stmts[0]!.stmt) === wanted) return sql;
  } catch (error: unknown) {
    if (error instanceof RangeError) throw error;
  }
  throw new SqlRefusal(
    'too_complex',
    'The query makes large values in a form whose size can not be checked.',
    'Split it, or shorten long values first with left(value, 1000).',
  );
}

export function tooComplex(): SqlRefusal {
  return new SqlRefusal('too_complex', 'The query is too complex.', 'Ask for less at once.');
}

/** The library's writer, with corrections for XMLTABLE and for a subscript or field of a CASE. */
class Writer extends Deparser {
  override A_Indirection(node: object, context: never): string {
    const { arg } = node as Tree;
    if (nodeOf(arg)?.type !== 'CaseExpr') return super.A_Indirection(node, context);
    const part = super.A_Indirection({ ...node, arg: { A_Const: { boolval: { boolval: true } } } }, context);
    return `(${this.visit(arg as never, context)})${part.replace(/^true/i, '')}`;
  }

  override RangeTableFunc(node: object, context: never): string {
    const { lateral, namespaces, rowexpr, docexpr, columns, alias } = node as Tree;
    const of = (value: unknown): string => this.visit(value as never, context);
    const named = ((namespaces ?? []) as unknown[]).map((item) => {
      const { name, val } = nodeOf(item)!.fields;
      return typeof name === 'string' ? `${of(val)} AS ${quoted(name)}` : `DEFAULT ${of(val)}`;
    });
    const list = (columns as unknown[]).map((item) => {
      const column = nodeOf(item)!.fields;
      const name = quoted(column.colname as string);
      if (column.for_ordinality === true) return `${name} FOR ORDINALITY`;
      const path = column.colexpr === undefined ? '' : ` PATH (${of(column.colexpr)})`;
      const otherwise = column.coldefexpr === undefined ? '' : ` DEFAULT (${of(column.coldefexpr)})`;
      const filled = column.is_not_null === true ? ' NOT NULL' : '';
      return `${name} ${this.TypeName(column.typeName as never, context)}${path}${otherwise}${filled}`;
    });
    const spaces = named.length > 0 ? `XMLNAMESPACES(${named.join(', ')}), ` : '';
    const table = `XMLTABLE(${spaces}(${of(rowexpr)}) PASSING (${of(docexpr)}) COLUMNS ${list.join(', ')})`;
    const as = alias === undefined ? '' : ` ${this.Alias(alias as never, context)}`;
    return `${lateral === true ? 'LATERAL ' : ''}${table}${as}`;
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Replaces the nodes that the library can't write by placeholder names. `fill` puts their source text back. */
function takeOut(root: Tree, source: string): { tree: Tree; fill: (sql: string) => string } {
  const texts: string[] = [];
  const text = Buffer.from(source);
  let tokens: { start: number; end: number; text: string }[] | null = null;
  const place = (location: unknown): string => {
    tokens ??= scanSync(source).tokens as { start: number; end: number; text: string }[];
    let depth = 0;
    for (const token of tokens) {
      if (token.start < Number(location)) continue;
      if (token.text === '(') depth += 1;
      if (token.text === ')' && --depth === 0) {
        texts.push(text.subarray(Number(location), token.end).toString());
        return `copilot_part_${texts.length}_`;
      }
    }
    return '';
  };
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== 'object' || value === null) return value;
    const node = nodeOf(value);
    if (node?.type === 'JsonFuncExpr')
      return { ColumnRef: { fields: [{ String: { sval: place(node.fields.location) } }] } };
    if (node?.type === 'JsonTable') {
      const { location, alias, lateral } = node.fields;
      const name = place(location);
      return {
        RangeVar: {
          relname: lateral === true ? `${name}lateral_` : name,
          inh: true,
          relpersistence: 'p',
          ...(alias === undefined ? {} : { alias }),
        },
      };
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]));
  };
  const tree = copy(root) as Tree;
  return {
    tree,
    fill: (sql) =>
      sql.replace(
        /copilot_part_(\d+)_(lateral_)?/g,
        (_, index, lateral) => `${lateral === undefined ? '' : 'LATERAL '}${texts[Number(index) - 1] ?? ''}`,
      ),
  };
}
