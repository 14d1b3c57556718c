/**
 * Collects the names in a query, and what its syntax implies: the operators of BETWEEN, IN, CASE and joins, the types of
 * constants and constructors, and the columns whose values are used in computations.
 */
import { CONFIG_FUNCTIONS, NAMING_FUNCTIONS } from './allowed-types.ts';
import {
  calledIn,
  checkCollation,
  constantTypes,
  isBuiltIn,
  madeBy,
  type Node,
  plainOutputs,
  type QualifiedName,
  qualifiedName,
  textParts,
} from './query-tree.ts';
import { SqlRefusal } from './sql-refusal.ts';

/** The `b` of `a.b`: a column of `a`, or a function or type that is applied to `a`. */
export interface Attribute {
  name: string;
  /** What `a` is: a row of one of these relations, a row of an unknown table, or any value. */
  of: { relations: string[] } | 'row' | 'value';
}

/** The names in a query, as written. The grammar has turned unquoted names into lower case. */
export interface QueryNames {
  relations: QualifiedName[];
  functions: (QualifiedName & { args: number })[];
  /** Includes the operators that the syntax implies. */
  operators: QualifiedName[];
  types: QualifiedName[];
  attributes: Attribute[];
  /** Columns that are named anywhere except as a plain output of the query. Their values may be used in computations. */
  columns: string[];
  /** Whether any column may be used in computations, as with `union select *`. */
  everyColumn: boolean;
  /** Built-in types of constants, and of the values that JSON and XML syntax makes. */
  madeTypes: string[];
  /** Whether a table's row may stand for a value, as in `select t from t`. */
  wholeRows: boolean;
  isExplain: boolean;
}

type Source = { relation: string } | 'row' | 'value';

const IMPLIED_BY_BETWEEN = ['<', '<=', '>=', '>'];
const IMPLIED_BY_KIND: ReadonlyMap<string, string[]> = new Map([
  ['AEXPR_BETWEEN', IMPLIED_BY_BETWEEN],
  ['AEXPR_NOT_BETWEEN', IMPLIED_BY_BETWEEN],
  ['AEXPR_BETWEEN_SYM', IMPLIED_BY_BETWEEN],
  ['AEXPR_NOT_BETWEEN_SYM', IMPLIED_BY_BETWEEN],
]);

/** Collects names while checkSyntax walks the tree from the root, parents before children. */
export class NameCollector {
  readonly #names: QueryNames;
  /** Nodes that are plain outputs of the query: their values are shown and are not used in computations. */
  readonly #outputs: WeakSet<object>;
  readonly #castToText = new WeakSet<object>();
  readonly #configNames = new WeakSet<object>();
  readonly #bareNames = new Set<string>();
  readonly #columns = new Set<string>();
  readonly #ranges = new Map<string, Source[]>();
  readonly #dotted = new Map<string, { name: string; qualifier: string | null }>();

  constructor(select: Node, isExplain: boolean) {
    this.#outputs = plainOutputs(select);
    this.#names = {
      relations: [],
      functions: [],
      operators: [],
      types: [],
      attributes: [],
      columns: [],
      everyColumn: false,
      madeTypes: [],
      wholeRows: false,
      isExplain,
    };
  }

  /** Returns the names. To be called once, after the walk. */
  finish(): QueryNames {
    const names = this.#names;
    names.wholeRows ||= [...this.#bareNames].some((name) =>
      this.#ranges.get(name)?.some((source) => source !== 'value'),
    );
    names.everyColumn ||= names.wholeRows;
    names.columns = [...this.#columns];
    const sources = new Map<string | null, Attribute['of']>();
    for (const { name, qualifier } of this.#dotted.values()) {
      const of = sources.get(qualifier) ?? this.#sourceOf(qualifier);
      sources.set(qualifier, of);
      names.attributes.push({ name, of });
    }
    return names;
  }

  /** Visits a RangeVar in FROM. `isTable` is false when it names a common table expression. */
  range(node: Node, isTable: boolean): void {
    const relname = String(node.relname);
    const alias = node.alias as { aliasname?: string; colnames?: unknown } | undefined;
    if (alias?.colnames !== undefined) this.#names.everyColumn = true;
    const known = isTable && alias?.colnames === undefined;
    this.#addRange(alias?.aliasname ?? relname, known ? { relation: relname } : 'row');
    if (isTable)
      this.#names.relations.push({
        schema: typeof node.schemaname === 'string' ? node.schemaname : null,
        name: relname,
      });
  }

  /** Visits a TypeName. The tree often leaves out the node name of a TypeName, so `node` does not see it. */
  typeName(node: Node): void {
    const name = qualifiedName(node.names);
    if (node.pct_type === true || node.setof === true)
      throw new SqlRefusal('type', `${name.name} is no type that a query can name.`);
    if (!this.#configNames.has(node)) this.#names.types.push(name);
  }

  /** Visits clauses whose node name the tree leaves out: COLLATE, and SEARCH and CYCLE of a common table expression. */
  clause(node: Node): void {
    if (Array.isArray(node.collname)) checkCollation(qualifiedName(node.collname));
    const columns = [...textParts(node.search_col_list), ...textParts(node.cycle_col_list)];
    for (const name of columns) this.#columns.add(name);
    if (columns.length > 0) this.#implies('=', '<>');
  }

  /** Visits a node. `wrapper` is the object `{type: fields}`. */
  node(type: string, fields: Node, wrapper: object): void {
    const names = this.#names;
    switch (type) {
      case 'FuncCall':
        this.#call(fields, wrapper);
        return;
      case 'TypeCast':
        this.#cast(fields);
        return;
      case 'A_Expr': {
        const implied = IMPLIED_BY_KIND.get(String(fields.kind));
        if (implied) this.#implies(...implied);
        else names.operators.push(qualifiedName(fields.name));
        return;
      }
      case 'SubLink':
        if (fields.operName) names.operators.push(qualifiedName(fields.operName));
        else if (fields.subLinkType === 'ANY_SUBLINK') this.#implies('=');
        return;
      case 'CaseExpr':
        if (fields.arg !== undefined) this.#implies('=');
        return;
      case 'JoinExpr':
        if (fields.isNatural === true) names.everyColumn = true;
        for (const name of textParts(fields.usingClause)) this.#columns.add(name);
        if (fields.isNatural === true || fields.usingClause !== undefined) this.#implies('=');
        for (const alias of [fields.alias, fields.join_using_alias]) this.#addAlias(alias, 'row');
        return;
      case 'SortBy':
        if (fields.useOp) names.operators.push(qualifiedName(fields.useOp));
        return;
      case 'ColumnRef':
        this.#column(fields, wrapper);
        return;
      case 'A_Indirection': {
        const row = textParts(((fields.arg as Node).ColumnRef as Node | undefined)?.fields);
        const qualifier = row.length === 1 && this.#indirections(fields) === 1 ? row[0]! : null;
        for (const name of textParts(fields.indirection)) this.#dot(name, qualifier);
        if ((fields.indirection as Node[]).some((item) => 'A_Star' in item)) names.everyColumn = true;
        return;
      }
      case 'ResTarget':
        for (const name of textParts(fields.indirection)) this.#dot(name, null);
        return;
      case 'RangeFunction':
        this.#addAlias(fields.alias, 'value');
        // Without an alias, the function's name is the name of its rows.
        for (const name of calledIn(fields)) this.#addRange(name, 'value');
        return;
      case 'RangeSubselect':
      case 'RangeTableFunc':
      case 'JsonTable':
        this.#addAlias(fields.alias, 'row');
        if (type !== 'RangeSubselect') names.madeTypes.push(...madeBy(type));
        return;
      case 'A_Const':
        names.madeTypes.push(...constantTypes(fields));
        return;
      default:
        names.madeTypes.push(...madeBy(type));
    }
  }

  #call(fields: Node, wrapper: object): void {
    const args = Array.isArray(fields.args) ? (fields.args as object[]) : [];
    const called = qualifiedName(fields.funcname);
    if (NAMING_FUNCTIONS.has(called.name) && !this.#outputs.has(wrapper) && !this.#castToText.has(wrapper))
      throw new SqlRefusal(
        'function',
        `${called.name} runs as an output of the query, or cast to text at once.`,
        `Write ${called.name}(...)::text.`,
      );
    this.#names.functions.push({ ...called, args: args.length });
    if (!CONFIG_FUNCTIONS.has(called.name) || args.length < 2) return;
    const cast = (args[0] as Node).TypeCast as { typeName?: Node; arg?: Node } | undefined;
    const isLiteral = (cast?.arg?.A_Const as Node | undefined)?.sval !== undefined;
    if (cast?.typeName && isLiteral && isBuiltIn(cast.typeName, ['regconfig']))
      this.#configNames.add(cast.typeName);
  }

  #cast(fields: Node): void {
    const { arg, typeName } = fields as { arg?: Node; typeName?: Node };
    if (arg && typeName && isBuiltIn(typeName, ['text', 'varchar'])) this.#castToText.add(arg);
  }

  #column(fields: Node, wrapper: object): void {
    const names = this.#names;
    const parts = textParts(fields.fields);
    const all = Array.isArray(fields.fields) ? fields.fields.length : 0;
    const isOutput = this.#outputs.has(wrapper);
    if (all > parts.length) {
      if (!isOutput) names.everyColumn = true;
      // `f(t.*)` and `(t.*)` in an expression use the row as a value; `select t.*` only names its columns.
      if (!isOutput && parts.length > 0) names.wholeRows = true;
      return;
    }
    const name = parts.at(-1)!;
    if (!isOutput) this.#columns.add(name);
    if (parts.length === 1) this.#bareNames.add(name);
    else this.#dot(name, parts.at(-2)!);
  }

  #dot(name: string, qualifier: string | null): void {
    if (qualifier === null) this.#columns.add(name);
    this.#dotted.set(JSON.stringify([name, qualifier]), { name, qualifier });
  }

  #indirections(fields: Node): number {
    return Array.isArray(fields.indirection) ? fields.indirection.length : 0;
  }

  #implies(...operators: string[]): void {
    for (const name of operators) this.#names.operators.push({ schema: null, name });
  }

  #addAlias(alias: unknown, source: Source): void {
    const name = (alias as { aliasname?: string } | undefined)?.aliasname;
    if (name !== undefined) this.#addRange(name, source);
  }

  #addRange(name: string, source: Source): void {
    const sources = this.#ranges.get(name);
    if (sources) sources.push(source);
    else this.#ranges.set(name, [source]);
  }

  #sourceOf(qualifier: string | null): Attribute['of'] {
    const sources = qualifier === null ? undefined : this.#ranges.get(qualifier);
    if (!sources || sources.includes('value')) return 'value';
    if (sources.includes('row')) return 'row';
    return { relations: sources.flatMap((source) => (typeof source === 'object' ? [source.relation] : [])) };
  }
}
