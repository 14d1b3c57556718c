/** The guards that boundCost puts into a query, and the sizes that they allow. */
import { SqlRefusal } from './check-syntax.ts';
import { FUNCTION_COSTS } from './allowed-functions.ts';
import { expression, lastName, nodeOf, type Tree } from './expression-tree.ts';

/**
 * In bytes or characters, for a query with one costly call. Several calls share the limits, because the server checks for
 * cancels between rows and not between the calls of a row. Measured on one core, between two checks: jsonb parses 4 MB/s of
 * tiny keys, LIKE compares 150 million positions a second, translate and btrim 100 million, arrays 65 million pairs; an
 * XPath walks 32 KB in under 0.3 s.
 */
export const COST_LIMITS = {
  /** A value that is read once. */
  large: 1_000_000,
  /** The long and the short argument of a function whose time is the product of two lengths. */
  long: 128_000,
  short: 128,
  /** Bytes of each of two arrays that are compared element by element. An integer has four bytes. */
  list: 16_000,
  xml: 32_000,
  /** A text of which the time grows with the square. */
  quadratic: 4_000,
  pattern: 1_000,
  /** Digits of a number, and the highest exponent. */
  number: 1_000,
  exponent: 10_000,
} as const;

export type Guards = ReturnType<typeof createGuards>;

/** Objects in the trees of all guarded values. Writing more would take over 100 ms. */
const MAX_OBJECTS = 10_000;

/**
 * Creates the guards of one query. `share` is the number of its costly calls. Each guard is added to `checked`. Each
 * function takes an argument's tree and returns the same tree when it is short enough, else a guard around it. Throws
 * SqlRefusal when the query needs more than `max` guards.
 */
export function createGuards(options: { share: number; checked: WeakSet<object>; max: number }) {
  const { checked, max } = options;
  const shared = (limit: number): number => Math.max(64, Math.floor(limit / options.share));
  let made = 0;
  let room = MAX_OBJECTS;
  const guard = (sql: string, value: unknown): Tree => {
    made += 1;
    // A guard repeats its value, so nested guards double the tree at each level.
    room -= countObjects(value, room);
    if (made > max || room < 0)
      throw new SqlRefusal('too_complex', 'The query has too many calls.', 'Ask for less at once.');
    const node = expression(sql, value);
    checked.add(node);
    return node;
  };
  // varchar(text, length + 4, false) is the implicit cast to varchar(length), which fails for a longer value.
  const text = (value: unknown, limit: number): Tree =>
    guard(`pg_catalog."varchar"(x, ${limit + 4}, false)`, value);
  const where = (tooLarge: string, value: unknown): unknown => {
    if (returnsRows(value)) return value;
    return guard(
      `case when pg_catalog."varchar"('too large', case when ${tooLarge} then 5 else 100 end, false) is not null then x end`,
      value,
    );
  };
  const isShort = (value: unknown, limit: number): boolean =>
    checked.has(value as object) ? false : literalLength(value) <= limit;
  const bounded = (limit: number, check: (value: unknown, limit: number) => unknown) => (value: unknown) =>
    isShort(value, limit) ? value : check(value, limit);
  const bytes = (value: unknown, limit: number): unknown => {
    if (returnsRows(value))
      throw new SqlRefusal('too_expensive', 'A set of rows stands in an argument.', 'Put it into FROM.');
    return where(`pg_catalog.octet_length(x) > ${limit}`, value);
  };
  const size = (value: unknown, limit: number): unknown =>
    where(`pg_catalog.pg_column_size(x) > ${limit}`, value);
  const exponentLimit = shared(COST_LIMITS.exponent);

  return {
    count: () => made,
    numberOf,
    text: (value: unknown) => text(value, shared(COST_LIMITS.large)),
    /** Guards a function's result and keeps the type text. FROM takes no cast, so textcat keeps the type there. */
    textResult: (value: unknown, inFrom: boolean) =>
      inFrom
        ? guard(
            `pg_catalog.textcat(pg_catalog."varchar"(x, ${shared(COST_LIMITS.large) + 4}, false), '')`,
            value,
          )
        : guard(`pg_catalog."varchar"(x, ${shared(COST_LIMITS.large) + 4}, false)::text`, value),
    any: (value: unknown) => size(value, shared(COST_LIMITS.large)),
    long: bounded(shared(COST_LIMITS.long), text),
    longBytes: bounded(shared(COST_LIMITS.long), bytes),
    short: bounded(COST_LIMITS.short, text),
    shortBytes: bounded(COST_LIMITS.short, bytes),
    sizeShort: bounded(COST_LIMITS.short, size),
    pattern: bounded(COST_LIMITS.pattern, text),
    list: bounded(shared(COST_LIMITS.list), size),
    quadratic: bounded(shared(COST_LIMITS.quadratic), text),
    number: bounded(COST_LIMITS.number, (value, limit) =>
      where(`pg_catalog.pg_column_size(x) > ${limit} or pg_catalog.abs(x::numeric) > 1e999::numeric`, value),
    ),
    xml(value: unknown): unknown {
      const limit = shared(COST_LIMITS.xml);
      if (isShort(value, limit)) return value;
      return guard(`pg_catalog."varchar"(x::text, ${limit + 4}, false)::xml`, value);
    },
    exponent(value: unknown): unknown {
      if (Math.abs(numberOf(value)) <= exponentLimit) return value;
      return where(`pg_catalog.abs(x::float8) > ${exponentLimit}`, value);
    },
    /** Guards the length of a padded text. A length above the limit becomes limit + 1, which another guard refuses. */
    width(value: unknown): unknown {
      const limit = shared(COST_LIMITS.large);
      if (numberOf(value) <= limit) return value;
      return guard(`least(x, ${limit + 1})`, value);
    },
    isShortList: (value: unknown) => literalLength(value) <= 200,
    isShortRepeat: (name: string, args: unknown[]) =>
      name === 'repeat' && literalLength(args[0]) * numberOf(args[1]) <= shared(COST_LIMITS.large),
    literalXPath(value: unknown): void {
      const path = literalText(value);
      if (path !== null && isSimplePath(path)) return;
      throw new SqlRefusal(
        'too_expensive',
        'An XPath here is a literal of at most 200 characters, with // at most twice and not in brackets, without brackets in brackets and without named axes.',
        'Select a part of the document with a simple path, and filter in SQL.',
      );
    },
    literalTemplate(value: unknown): void {
      const template = literalText(value);
      if (template !== null && !/%(\d+\$)?-?(\*|\d{4,})/.test(template)) return;
      throw new SqlRefusal(
        'too_expensive',
        'The template of format() is a literal here, with widths below 1000.',
        'Write the template into the query, or use || and lpad().',
      );
    },
    /** polygon(n, circle) has n corners. */
    literalCorners(value: unknown): void {
      if (numberOf(value) <= 1_000) return;
      throw new SqlRefusal(
        'too_expensive',
        'polygon() takes a literal number of corners here, of at most 1,000.',
      );
    },
    literalDimensions(value: unknown): void {
      const items = nodeOf(value)?.fields.elements as unknown[] | undefined;
      const product = items?.reduce<number>((all, item) => all * numberOf(item), 1) ?? Infinity;
      if (product <= 10_000) return;
      throw new SqlRefusal(
        'too_expensive',
        'array_fill takes literal dimensions here, of at most 10,000 elements.',
      );
    },
  };
}

/** The value of a number literal; Infinity for any other node. */
function numberOf(value: unknown): number {
  const node = nodeOf(value);
  if (node?.type === 'A_Expr' && lastName(node.fields.name) === '-' && node.fields.lexpr === undefined)
    return -numberOf(node.fields.rexpr);
  if (node?.type !== 'A_Const') return Infinity;
  const { ival, fval } = node.fields as { ival?: { ival?: number }; fval?: { fval?: string } };
  return ival ? (ival.ival ?? 0) : fval ? Number(fval.fval) : Infinity;
}

/** The value of a string literal; null for any other node. */
export function literalText(value: unknown): string | null {
  const node = nodeOf(value);
  if (node?.type === 'TypeCast') return literalText(node.fields.arg);
  if (node?.type !== 'A_Const') return null;
  const { sval } = node.fields as { sval?: { sval?: string } };
  return sval ? (sval.sval ?? '') : null;
}

/** The length of a literal, or of an array of literals; Infinity for any other node. */
export function literalLength(value: unknown): number {
  const node = nodeOf(value);
  switch (node?.type) {
    case 'A_Const':
      return literalText(value)?.length ?? 40;
    case 'TypeCast':
      return literalLength(node.fields.arg);
    case 'A_ArrayExpr': {
      let sum = 0;
      for (const item of (node.fields.elements ?? []) as unknown[]) sum += 8 + literalLength(item);
      return sum;
    }
    case 'FuncCall':
      // The grammar turns LIKE ... ESCAPE and SIMILAR TO into these calls.
      return /^(similar|like)_(to_)?escape$/.test(lastName(node.fields.funcname))
        ? literalLength((node.fields.args as unknown[])[0])
        : Infinity;
    default:
      return Infinity;
  }
}

/** Whether the time of an XPath grows linearly with the document. */
function isSimplePath(path: string): boolean {
  if (path.length > 200 || /::|\[[^\]]*(\[|\/\/|\bcount\b|\.\.)/.test(path)) return false;
  const times = (pattern: RegExp): number => path.match(pattern)?.length ?? 0;
  return times(/\/\//g) <= 2 && times(/\|/g) <= 2 && times(/\.\./g) <= 2 && times(/\[/g) <= 4;
}

const ROWS =
  /^(unnest|generate_(series|subscripts)|regexp_(matches|split_to_table)|string_to_table|jsonb?_(array_elements|each|object_keys|path_query|populate_recordset|to_recordset|array_elements_text|each_text|path_query_tz))$/;

/** Whether an expression calls a set-returning function. The server does not allow such a call in CASE. */
function returnsRows(root: unknown): boolean {
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== 'object' || value === null) continue;
    const node = nodeOf(value);
    if (node?.type === 'SubLink') continue;
    if (node?.type === 'FuncCall' && ROWS.test(lastName(node.fields.funcname))) return true;
    stack.push(...Object.values(value));
  }
  return false;
}

/** The number of objects of a tree, but at most `most` + 1. */
function countObjects(root: unknown, most: number): number {
  const stack: unknown[] = [root];
  let count = 0;
  while (stack.length > 0 && count <= most) {
    const value = stack.pop();
    if (typeof value !== 'object' || value === null) continue;
    count += 1;
    stack.push(...Object.values(value));
  }
  return count;
}

/** Refuses a literal like 1e100000: a few characters that become a number of many digits. Throws SqlRefusal. */
export function refuseHugeNumber(fields: Tree): void {
  const { fval, sval } = fields as { fval?: { fval?: string }; sval?: { sval?: string } };
  if (/^\s*[-+]?[\d_]*\.?[\d_]*e\+?\d{4,}\s*$/i.test(fval?.fval ?? sval?.sval ?? ''))
    throw new SqlRefusal('too_expensive', 'A number of this query has too many digits.');
}

/**
 * Counts the nodes that may work on large values. `inner`: whether the query has an inner SELECT or a function in FROM.
 * `lists`: whether it makes arrays of unknown length.
 */
export function countCostly(root: unknown): { costly: number; inner: boolean; lists: boolean } {
  const stack: unknown[] = [root];
  let costly = 0;
  let selects = 0;
  let inner = false;
  let lists = false;
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== 'object' || value === null) continue;
    const node = nodeOf(value);
    if (node?.type === 'FuncCall' && FUNCTION_COSTS.get(lastName(node.fields.funcname))?.cost !== 'constant')
      costly += 1;
    if (/^(A_Expr|TypeCast|RangeTableFunc|RangeTableFuncCol|JsonFuncExpr|Xml.*)$/.test(node?.type ?? ''))
      costly += 1;
    if (node?.type === 'RangeFunction') inner = true;
    lists ||= makesList(node);
    if ('targetList' in value || 'valuesLists' in value) selects += 1;
    stack.push(...Object.values(value));
  }
  return { costly: Math.max(1, costly), inner: inner || selects > 1, lists };
}

/** Whether a node makes an array of unknown length. */
function makesList(node: ReturnType<typeof nodeOf>): boolean {
  if (node?.type === 'FuncCall') return /array/.test(lastName(node.fields.funcname));
  if (node?.type === 'SubLink') return node.fields.subLinkType === 'ARRAY_SUBLINK';
  return node?.type === 'TypeCast' && (node.fields.typeName as Tree | undefined)?.arrayBounds !== undefined;
}
