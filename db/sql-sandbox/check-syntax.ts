/**
 * Parses a query with PostgreSQL's grammar, checks that it is one SELECT (or an EXPLAIN of one) of known node types, and
 * collects its names. check-names.ts judges the names.
 */
import { loadModule, parseSync } from 'libpg-query';
import { NameCollector, type QueryNames } from './collect-names.ts';
import { type Node, qualifiedName } from './query-tree.ts';
import { SqlRefusal } from './sql-refusal.ts';

export { SqlRefusal };
export type { QueryNames } from './collect-names.ts';
export type { QualifiedName } from './query-tree.ts';

const MAX_BYTES = 20_000;
const MAX_NODES = 100_000;
const ONLY_SELECT =
  'Only one SELECT (also WITH, VALUES, TABLE) or EXPLAIN of one runs here; it can not change anything.';

// The node types that a SELECT may consist of. All others are refused.
const NODES = new Set(
  `A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star Alias BitString BoolExpr Boolean BooleanTest CTECycleClause
   CTESearchClause CaseExpr CaseWhen CoalesceExpr CollateClause ColumnDef ColumnRef CommonTableExpr Float FuncCall
   GroupingFunc GroupingSet Integer JoinExpr JsonAggConstructor JsonArgument JsonArrayAgg JsonArrayConstructor
   JsonArrayQueryConstructor JsonBehavior JsonFormat JsonFuncExpr JsonIsPredicate JsonKeyValue JsonObjectAgg
   JsonObjectConstructor JsonOutput JsonParseExpr JsonReturning JsonScalarExpr JsonSerializeExpr JsonTable JsonTableColumn
   JsonTablePathSpec JsonValueExpr List MinMaxExpr NamedArgExpr NullTest RangeFunction RangeSubselect RangeTableFunc
   RangeTableFuncCol RangeTableSample RangeVar ResTarget RowExpr SQLValueFunction SelectStmt SortBy String SubLink TypeCast
   TypeName WindowDef WithClause XmlExpr XmlSerialize`.split(/\s+/),
);
const EXPLAIN_OPTIONS = new Set(['format', 'costs', 'verbose']);
const SESSION_VALUES = new Set([
  'SVFOP_CURRENT_ROLE',
  'SVFOP_CURRENT_USER',
  'SVFOP_USER',
  'SVFOP_SESSION_USER',
  'SVFOP_CURRENT_CATALOG',
  'SVFOP_CURRENT_SCHEMA',
]);
const SAMPLE_METHODS = new Set(['bernoulli', 'system']);

/** The names of common table expressions that are in scope, innermost first. */
interface Scope {
  names: ReadonlySet<string>;
  outer: Scope | null;
}

/** Loads the grammar. It must resolve before checkSyntax is called. */
export const sqlGrammarReady = loadModule;

/** Checks a query and collects its names. The limits on the text do not hold for a view's definition. Throws SqlRefusal. */
export function checkSyntax(sql: string, of: { isView?: boolean } = {}): QueryNames {
  if (!of.isView) checkText(sql);
  let parsed: { stmts?: { stmt?: Node }[] };
  try {
    parsed = parseSync(sql);
  } catch (error: unknown) {
    // The parser's message may be shown: it quotes nothing but the query.
    const message = error instanceof Error ? error.message.slice(0, 300) : 'it can not be parsed';
    throw new SqlRefusal('syntax_error', `PostgreSQL can not parse this: ${message}`);
  }
  const statements = parsed.stmts ?? [];
  if (statements.length !== 1) {
    throw new SqlRefusal(
      'one_statement',
      statements.length === 0 ? 'The query is empty.' : `This is ${statements.length} statements.`,
      ONLY_SELECT,
    );
  }
  const root = statements[0]!.stmt ?? {};
  const isExplain = 'ExplainStmt' in root;
  const select = isExplain ? explained(root.ExplainStmt as Node) : root;
  if (!('SelectStmt' in select)) {
    const kind = Object.keys(select)[0]?.replace(/Stmt$/, '') ?? 'nothing';
    throw new SqlRefusal('not_a_select', `${kind} is no query.`, ONLY_SELECT);
  }
  const collector = new NameCollector(select, isExplain);
  walk(select, collector);
  return collector.finish();
}

function checkText(sql: string): void {
  const refuse = (message: string): never => {
    throw new SqlRefusal('invalid_text', message);
  };
  if (sql.trim() === '') refuse('The query is empty.');
  if (Buffer.byteLength(sql) > MAX_BYTES) refuse(`A query has at most ${MAX_BYTES} bytes.`);
  // The parser stops at a NUL; the server might not.
  if (sql.includes('\0')) refuse('The query holds a NUL character.');
  if (!sql.isWellFormed()) refuse('The query is no well-formed Unicode.');
}

function explained(explain: Node): Node {
  for (const option of (explain.options ?? []) as { DefElem?: { defname?: string } }[]) {
    const name = option.DefElem?.defname ?? '';
    if (!EXPLAIN_OPTIONS.has(name)) {
      throw new SqlRefusal(
        'explain_option',
        `EXPLAIN does not take ${name.toUpperCase()} here.`,
        'Options: FORMAT, COSTS, VERBOSE. EXPLAIN ANALYZE would run the query.',
      );
    }
  }
  return (explain.query ?? {}) as Node;
}

/** Walks the tree with an explicit stack, because a query may nest deeper than JavaScript's call stack. */
function walk(root: Node, collector: NameCollector): void {
  const stack: { value: unknown; scope: Scope | null }[] = [{ value: root, scope: null }];
  for (let visited = 0; stack.length > 0; visited++) {
    if (visited > MAX_NODES)
      throw new SqlRefusal('too_complex', 'The query is too complex.', 'Ask for less at once.');
    const { value, scope } = stack.pop()!;
    if (Array.isArray(value)) {
      for (const item of value) stack.push({ value: item, scope });
      continue;
    }
    if (typeof value !== 'object' || value === null) continue;
    const node = value as Node;
    const keys = Object.keys(node);
    const type = keys.length === 1 && /^[A-Z]/.test(keys[0]!) ? keys[0]! : null;
    if (type === null) {
      // A field that always holds one type of node leaves out the type's name.
      visitFields(node, scope, stack, collector);
      continue;
    }
    if (!NODES.has(type)) throw refusedNode(type);
    const fields = (node[type] ?? {}) as Node;
    checkNode(type, fields);
    collector.node(type, fields, node);
    if (typeof fields === 'object' && fields !== null) visitFields(fields, scope, stack, collector);
  }
}

function visitFields(
  node: Node,
  scope: Scope | null,
  stack: { value: unknown; scope: Scope | null }[],
  collector: NameCollector,
): void {
  if (node.intoClause !== undefined)
    throw new SqlRefusal('not_a_select', 'SELECT INTO makes a table.', ONLY_SELECT);
  if (node.lockingClause !== undefined)
    throw new SqlRefusal('locking', 'FOR UPDATE and FOR SHARE lock rows.', 'Leave the clause out.');
  // A TypeName, whose type name is left out. No other node has the field `names`.
  if (Array.isArray(node.names)) collector.typeName(node);
  collector.clause(node);
  if (typeof node.relname === 'string') collector.range(node, isTable(node, scope));
  const withClause = node.withClause as { ctes?: Node[]; recursive?: boolean } | undefined;
  let inner = scope;
  if (withClause) {
    const ctes = (withClause.ctes ?? []).map((cte) => (cte.CommonTableExpr ?? {}) as Node);
    const all = ctes.map((cte) => String(cte.ctename));
    ctes.forEach((cte, index) => {
      if (!('SelectStmt' in ((cte.ctequery ?? {}) as Node)))
        throw new SqlRefusal('not_a_select', `The CTE ${all[index]} changes data.`, ONLY_SELECT);
      // Without RECURSIVE a CTE sees only the CTEs before it, and its own name means a table.
      const visible = withClause.recursive ? all : all.slice(0, index);
      stack.push({ value: cte, scope: { names: new Set(visible), outer: scope } });
    });
    inner = { names: new Set(all), outer: scope };
  }
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'withClause' && typeof value === 'object') stack.push({ value, scope: inner });
  }
}

function checkNode(type: string, fields: Node): void {
  if (type === 'SQLValueFunction' && SESSION_VALUES.has(String(fields.op)))
    throw new SqlRefusal('session_value', 'Who is connected, and to what, can not be asked.');
  if (type !== 'RangeTableSample') return;
  const method = qualifiedName(fields.method);
  if (method.schema !== null || !SAMPLE_METHODS.has(method.name))
    throw new SqlRefusal('sample_method', 'TABLESAMPLE takes BERNOULLI or SYSTEM.');
}

/** False for the name of a common table expression that is in scope. */
function isTable(node: Node, scope: Scope | null): boolean {
  if (node.catalogname !== undefined)
    throw new SqlRefusal('other_schema', 'Name tables as table or public.table, without a database.');
  if (typeof node.schemaname === 'string') return true;
  const name = String(node.relname);
  for (let at = scope; at; at = at.outer) if (at.names.has(name)) return false;
  return true;
}

function refusedNode(type: string): SqlRefusal {
  if (type === 'ParamRef')
    return new SqlRefusal('parameters', 'There are no parameters: write values into the query.');
  if (type === 'LockingClause')
    return new SqlRefusal('locking', 'FOR UPDATE and FOR SHARE lock rows.', 'Leave the clause out.');
  if (/^(Insert|Update|Delete|Merge)Stmt$/.test(type))
    return new SqlRefusal(
      'not_a_select',
      `${type.replace('Stmt', '').toUpperCase()} changes data.`,
      ONLY_SELECT,
    );
  return new SqlRefusal('not_a_select', `${type} has no place in a query here.`, ONLY_SELECT);
}
