/**
 * Bounds the time that a query may spend on one row. Most functions of PostgreSQL do not check for cancels while they
 * work on a value, so each value must be small. Sizes are not known before the query runs, so the checks are written into
 * the query. An argument that may be large is replaced by a guard: an expression that has the same value or fails with
 * 22001 (string_data_right_truncation).
 *
 * One file, because it is one visitor with a case for each kind of node.
 */
import { parseSync } from 'libpg-query';
import { SqlRefusal } from './check-syntax.ts';
import { countCostly, createGuards, type Guards, literalText, refuseHugeNumber } from './cost-guards.ts';
import { FUNCTION_COSTS, type FunctionCost } from './allowed-functions.ts';
import { columnName, lastName, nodeOf, type Tree } from './expression-tree.ts';
import { checkWrapped, descendsIn } from './json-paths.ts';
import { createSizes, type Sizes } from './value-sizes.ts';
import { tooComplex, writeQuery } from './write-query.ts';

const MAX_GUARDS = 200;
const LIKE_OPERATORS = new Set(['~~', '!~~', '~~*', '!~~*']);
/** They compare each element of one array, or edge of a path or polygon, with each of the other. */
const LIST_OPERATORS = new Set(['@>', '<@', '&&', '?|', '?&', '<->', '?#', '~=', '##']);
const COLLECTS_ITEMS = /^jsonb_path_query_array(_tz)?$/;
const PARSED_TYPES = new Set([
  'json',
  'jsonb',
  'jsonpath',
  'xml',
  'tsvector',
  'tsquery',
  'bytea',
  'path',
  'polygon',
]);
const PADDED_TYPES = new Set(['bpchar', 'char', 'bit']);
const MAX_PADDING = 10_000;

/**
 * The query with its guards, or the same text when it needs none. The text must have passed checkSyntax. Throws
 * SqlRefusal.
 */
export function boundCost(sql: string): string {
  const parsed = parseSync(sql) as { stmts: { stmt: Tree }[] };
  const root = parsed.stmts[0]!.stmt;
  try {
    const bounder = new Bounder(root);
    bounder.visit(root);
    if (bounder.guards.count() === 0) return sql;
    return writeQuery(root, sql);
  } catch (error: unknown) {
    if (error instanceof RangeError) throw tooComplex();
    throw error;
  }
}

class Bounder {
  readonly guards: Guards;
  /** Nodes whose value is small or guarded. */
  private readonly checked = new WeakSet<object>();
  private readonly sizes: Sizes;
  private readonly rootSelect: unknown;
  private readonly hasInner: boolean;
  private readonly makesLists: boolean;

  constructor(root: Tree) {
    const select = nodeOf(root)?.type === 'ExplainStmt' ? nodeOf(root)!.fields.query : root;
    this.rootSelect = nodeOf(select)?.fields;
    const { costly, inner, lists } = countCostly(root);
    this.hasInner = inner;
    this.makesLists = lists;
    this.sizes = createSizes({ checked: this.checked, isOutput: this.isOutput });
    this.guards = createGuards({ share: costly, checked: this.checked, max: MAX_GUARDS });
  }

  /** Visits depth first: the children of a node are bounded before the node. */
  visit(value: unknown): void {
    if (Array.isArray(value)) {
      for (const item of value) this.visit(item);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const before = this.namesBefore(value);
    if (nodeOf(value)?.type === 'RangeFunction') this.nameFrom(nodeOf(value)!.fields);
    for (const inner of Object.values(value)) this.visit(inner);
    const node = nodeOf(value);
    if (node !== null) this.bound(value as Tree, node.type, node.fields);
    if ('targetList' in value || 'valuesLists' in value) this.boundLevel(value, before);
  }

  private bound(holder: Tree, type: string, fields: Tree): void {
    switch (type) {
      case 'FuncCall':
        return this.boundCall(holder, fields);
      case 'A_Expr':
        return this.boundOperator(fields);
      case 'TypeCast':
        return this.boundCast(fields);
      case 'A_Const':
        return refuseHugeNumber(fields);
      case 'RangeTableFunc':
        this.guards.literalXPath(fields.rowexpr);
        fields.docexpr = this.guards.xml(fields.docexpr);
        return;
      case 'RangeTableFuncCol':
        if (fields.colexpr !== undefined) this.guards.literalXPath(fields.colexpr);
        return;
      case 'JsonFuncExpr':
      case 'JsonTableColumn':
        return checkWrapped(fields);
      case 'JsonValueExpr':
        fields.raw_expr = this.guardLarge(fields.raw_expr);
        return;
      case 'XmlSerialize':
        fields.expr = this.guardLarge(fields.expr);
        return;
      case 'XmlExpr':
        if (Array.isArray(fields.args)) fields.args = fields.args.map((arg) => this.guardLarge(arg));
    }
  }

  private boundCall(holder: Tree, fields: Tree): void {
    const name = lastName(fields.funcname);
    const cost = FUNCTION_COSTS.get(name);
    if (!cost) return;
    const args = Array.isArray(fields.args) ? (fields.args as unknown[]) : [];
    if (name === 'polygon' && args.length === 2) this.guards.literalCorners(args[0]);
    const before = this.guards.count();
    if (COLLECTS_ITEMS.test(name) && descendsIn(literalText(args[1]))) args[0] = this.guards.list(args[0]);
    args.forEach((arg, index) => (args[index] = this.boundArgument(arg, limitOf(cost, index), name)));
    if (this.guards.count() > before && fields.funcformat === 'COERCE_SQL_SYNTAX')
      fields.funcformat = 'COERCE_EXPLICIT_CALL';
    if (cost.result === null || (cost.result === 'any' && this.isOutput.has(holder))) return;
    if (cost.result === 'text' && this.guards.isShortRepeat(name, args)) return;
    const whole = { FuncCall: fields };
    const checked =
      cost.result === 'text'
        ? this.guards.textResult(whole, this.inFrom.has(holder))
        : this.guards.any(whole);
    delete holder.FuncCall;
    Object.assign(holder, checked);
    this.checked.add(holder);
  }

  /** Values of the outermost SELECT's targets: they go to the client, and no function works on them. */
  private readonly isOutput = new WeakSet<object>();

  private boundArgument(arg: unknown, limit: FunctionCost['limits'][number], name: string): unknown {
    const named = nodeOf(arg);
    if (named?.type === 'NamedArgExpr') {
      named.fields.arg = this.boundArgument(named.fields.arg, limit, name);
      return arg;
    }
    switch (limit) {
      case 'none':
        return arg;
      case 'any':
        return this.guardLarge(arg);
      case 'text':
        return this.sizes.isSmall(arg) ? arg : this.guards.text(arg);
      case 'number':
        return this.boundNumber(arg);
      case 'xpath':
        this.guards.literalXPath(arg);
        return arg;
      case 'template':
        this.guards.literalTemplate(arg);
        return arg;
      case 'dimensions':
        this.guards.literalDimensions(arg);
        return arg;
      default:
        return this.guards[limit](arg);
    }
  }

  private boundOperator(fields: Tree): void {
    const name = lastName(fields.name);
    if (LIKE_OPERATORS.has(name)) {
      const isList = fields.kind === 'AEXPR_OP_ANY' || fields.kind === 'AEXPR_OP_ALL';
      fields.lexpr = this.guardLarge(fields.lexpr);
      fields.rexpr = isList ? this.guards.list(fields.rexpr) : this.guards.shortBytes(fields.rexpr);
    } else if (LIST_OPERATORS.has(name)) {
      if (this.guards.isShortList(fields.lexpr) || this.guards.isShortList(fields.rexpr)) {
        fields.lexpr = this.guardLarge(fields.lexpr);
        fields.rexpr = this.guardLarge(fields.rexpr);
      } else {
        fields.lexpr = this.guards.list(fields.lexpr);
        fields.rexpr = this.guards.list(fields.rexpr);
      }
    } else if (name === '-' && this.mayBeList(fields.rexpr)) {
      fields.lexpr = this.guards.list(fields.lexpr);
      fields.rexpr = this.guards.list(fields.rexpr);
    } else if (name === '^') fields.rexpr = this.guards.exponent(fields.rexpr);
    else if (name !== '||' && fields.kind === 'AEXPR_OP') {
      if (fields.lexpr !== undefined) fields.lexpr = this.guardLarge(fields.lexpr);
      fields.rexpr = this.guardLarge(fields.rexpr);
    }
  }

  /** Whether the right operand may be a long array: `jsonb - text[]` searches the array for each key. */
  private mayBeList(value: unknown): boolean {
    if (!this.makesLists || this.guards.isShortList(value)) return false;
    const node = nodeOf(value);
    const call = node?.type === 'FuncCall' ? FUNCTION_COSTS.get(lastName(node.fields.funcname)) : undefined;
    return call?.cost !== 'constant' && node?.type !== 'A_Expr';
  }

  private boundCast(fields: Tree): void {
    const type = (fields.typeName ?? {}) as Tree;
    const name = lastName(type.names);
    if (Array.isArray(type.typmods) && PADDED_TYPES.has(name)) {
      for (const typmod of type.typmods as unknown[])
        if (this.guards.numberOf(typmod) > MAX_PADDING)
          throw new SqlRefusal('too_expensive', `A ${name} has at most ${MAX_PADDING} characters here.`);
    }
    const isList = type.arrayBounds !== undefined;
    if (name === 'numeric' && !isList) fields.arg = this.boundNumber(fields.arg);
    else if (isList || PARSED_TYPES.has(name)) fields.arg = this.guardLarge(fields.arg);
  }

  /** Guards a value that is parsed into a numeric. The result of arithmetic needs no guard: it is a number already. */
  private boundNumber(arg: unknown): unknown {
    const node = nodeOf(arg);
    if (node?.type === 'A_Expr' && /^[-+*/%]$/.test(lastName(node.fields.name))) return arg;
    if (node?.type === 'FuncCall' && FUNCTION_COSTS.get(lastName(node.fields.funcname))?.cost === 'constant')
      return arg;
    if (node?.type === 'ColumnRef' && !this.hasInner) return arg;
    return this.guards.number(arg);
  }

  private guardLarge(arg: unknown): unknown {
    if (this.sizes.isModest(arg)) return arg;
    // Guards each column of a row: a guard around the row would change how rows are compared.
    const row = nodeOf(arg);
    if (row?.type === 'RowExpr' && Array.isArray(row.fields.args)) {
      row.fields.args = row.fields.args.map((column) => this.guardLarge(column));
      return arg;
    }
    return this.guards.any(arg);
  }

  /** The names of a SELECT's columns, taken before a guard may hide them. */
  private namesBefore(value: object): Map<Tree, string | null> {
    const names = new Map<Tree, string | null>();
    const list = (value as Tree).targetList;
    for (const target of Array.isArray(list) ? (list as unknown[]) : []) {
      const fields = nodeOf(target)?.fields;
      if (fields && fields.name === undefined) names.set(fields, columnName(fields.val));
      if (fields && value === this.rootSelect && nodeOf(fields.val)) this.isOutput.add(fields.val as object);
    }
    return names;
  }

  private readonly inFrom = new WeakSet<object>();

  /** A function in FROM names its column. An alias keeps the name when the function gets a guard. */
  private nameFrom(fields: Tree): void {
    for (const item of (fields.functions ?? []) as unknown[]) {
      const call = (nodeOf(item)?.fields.items as unknown[] | undefined)?.[0];
      const node = nodeOf(call);
      if (node?.type !== 'FuncCall') continue;
      this.inFrom.add(call as object);
      const name = lastName(node.fields.funcname);
      if (FUNCTION_COSTS.get(name)?.result === 'text') fields.alias ??= { aliasname: name };
    }
  }

  /** Guards the columns of an inner SELECT, so that values can't grow from one level of nesting to the next. */
  private boundLevel(select: Tree, names: Map<Tree, string | null>): void {
    if (select !== this.rootSelect) {
      for (const target of (select.targetList ?? []) as unknown[]) {
        const fields = nodeOf(target)?.fields;
        if (fields && !this.sizes.isSmall(fields.val)) fields.val = this.guards.any(fields.val);
      }
      for (const row of (select.valuesLists ?? []) as unknown[]) {
        const items = nodeOf(row)?.fields.items as unknown[] | undefined;
        items?.forEach(
          (item, index) => (items[index] = this.sizes.isSmall(item) ? item : this.guards.any(item)),
        );
      }
    }
    for (const [target, name] of names)
      if (name !== null && columnName(target.val) !== name) target.name = name;
  }
}

function limitOf(cost: FunctionCost, index: number): FunctionCost['limits'][number] {
  return cost.limits[Math.min(index, cost.limits.length - 1)] ?? 'none';
}
