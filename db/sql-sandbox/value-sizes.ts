/** Judges the size of values from the query's text, because most values need no guard. */
import { FUNCTION_COSTS } from './allowed-functions.ts';
import { literalLength } from './cost-guards.ts';
import { lastName, nodeOf } from './expression-tree.ts';

const MAX_MODEST_ARGUMENTS = 20;
const SHORT = 1_000;

export type Sizes = ReturnType<typeof createSizes>;

/** `checked`: nodes that have a guard. `isOutput`: nodes whose value only goes to the client. */
export function createSizes(options: { checked: WeakSet<object>; isOutput: WeakSet<object> }) {
  const { checked, isOutput } = options;
  const known = new WeakMap<object, boolean>();

  /** Whether the value is a literal or a column, or is computed from such values without growing. */
  const isSmall = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null || checked.has(value)) return true;
    let small = known.get(value);
    if (small === undefined) known.set(value, (small = judge(value)));
    return small;
  };

  const judge = (value: object): boolean => {
    if (Array.isArray(value)) return value.every(isSmall);
    const node = nodeOf(value);
    if (node === null) return Object.values(value).every(isSmall);
    const { type, fields } = node;
    if (type === 'FuncCall') {
      const cost = FUNCTION_COSTS.get(lastName(fields.funcname));
      if (cost === undefined) return false;
      if (cost.cost === 'constant' || lastName(fields.funcname) === 'factorial') return true;
      if (cost.result !== null && isOutput.has(value)) return true;
      return cost.result !== 'text' && !cost.grows && isSmall(fields.args);
    }
    if (type === 'A_Expr' && lastName(fields.name) === '||')
      return literalLength(fields.lexpr) + literalLength(fields.rexpr) < SHORT;
    // The columns of an inner SELECT get guards of their own.
    if (type === 'SubLink') return fields.subLinkType !== 'ARRAY_SUBLINK';
    if (
      /^(A_Const|ColumnRef|SetToDefault|TypeName|SQLValueFunction|GroupingFunc|NullTest|BooleanTest)$/.test(
        type,
      )
    )
      return true;
    if (/^(A_ArrayExpr|Xml|Json)/.test(type)) return literalLength(value) < SHORT;
    return Object.values(fields).every(isSmall);
  };

  /** Whether the value is small, or one concatenation or call of a few small values. */
  const isModest = (value: unknown): boolean => {
    if (isSmall(value)) return true;
    const node = nodeOf(value);
    if (node?.type === 'A_Expr' && lastName(node.fields.name) === '||')
      return isSmall(node.fields.lexpr) && isSmall(node.fields.rexpr);
    if (node?.type !== 'FuncCall' || FUNCTION_COSTS.get(lastName(node.fields.funcname))?.result !== null)
      return false;
    const args = (node.fields.args ?? []) as unknown[];
    return args.length <= MAX_MODEST_ARGUMENTS && isSmall(args);
  };

  return { isSmall, isModest };
}
