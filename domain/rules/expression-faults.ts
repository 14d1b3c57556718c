/** Finds what cannot be right about a condition, and corrects what can only have been meant one way. */
import { type Expression, parseExpression } from './expression.ts';
import type { Fix } from './expression-tokens.ts';

export const FUNCTIONS = ['len', 'str', 'int', 'float', 'bool', 'abs', 'round', 'min', 'max'] as const;
export const METHODS = ['get', 'lower', 'upper', 'strip', 'startswith', 'endswith'] as const;

/** What the words of an expression may mean in its workflow. */
export interface Scope {
  /** The reference that bare words stand for, such as `Check` or `Check.score`; null when they name nothing. */
  referenceFor(words: string, path: string): string | null;
}

/** The first thing that cannot be right. */
export interface FoundFault {
  at: number;
  message: string;
  /** Replacements that may correct the fault; the most probable one is first. */
  fixes: readonly Fix[];
  /** False for a function that only the platform could know. */
  certain: boolean;
}

/** Longer texts, and texts with more faults, get no corrected text. */
const MAX_CORRECTED_CHARS = 1_000;
const MAX_TRIES = 40;

/** Methods of other languages, and what they are here. */
const FOREIGN_METHODS: ReadonlyMap<string, string> = new Map([
  ['toLowerCase', 'lower'],
  ['lowercase', 'lower'],
  ['toUpperCase', 'upper'],
  ['uppercase', 'upper'],
  ['trim', 'strip'],
  ['startsWith', 'startswith'],
  ['starts_with', 'startswith'],
  ['endsWith', 'endswith'],
  ['ends_with', 'endswith'],
]);
/** Functions of other languages, and what they are here. */
const FOREIGN_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['length', 'len'],
  ['size', 'len'],
  ['count', 'len'],
  ['LEN', 'len'],
  ['string', 'str'],
  ['String', 'str'],
  ['number', 'float'],
  ['Number', 'float'],
  ['parseInt', 'int'],
  ['parseFloat', 'float'],
  ['Boolean', 'bool'],
]);

/** The first fault of an expression, or null. Never throws. */
export function findExpressionFault(text: string, scope: Scope): FoundFault | null {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { ...parsed, certain: true };
  const { expression } = parsed;
  if (expression.kind === 'literal' && typeof expression.value !== 'boolean')
    return certain(expression, 'a value alone is no condition');
  return check(expression, { text, scope });
}

/** The expression with all faults corrected; null when a fault has no correction. */
export function correctExpression(text: string, scope: Scope): string | null {
  if (text.length > MAX_CORRECTED_CHARS) return null;
  const budget = { tries: MAX_TRIES };
  const correct = (now: string): string | null => {
    const fault = findExpressionFault(now, scope);
    if (!fault) return now;
    for (const { start, end, text: here } of fault.fixes) {
      if (budget.tries-- <= 0) return null;
      const corrected = correct(now.slice(0, start) + spaced(now, start, end, here) + now.slice(end));
      if (corrected !== null) return corrected;
    }
    return null;
  };
  const corrected = correct(text);
  return corrected === null ? null : corrected.trim();
}

/** The replacement without a second space beside one that is there. */
function spaced(text: string, start: number, end: number, here: string): string {
  let result = here;
  if (result.startsWith(' ') && (start === 0 || text[start - 1] === ' ')) result = result.slice(1);
  if (result.endsWith(' ') && (end === text.length || text[end] === ' ')) result = result.slice(0, -1);
  return result;
}

interface Context {
  text: string;
  scope: Scope;
}

function certain({ start }: Expression, message: string, fixes: readonly Fix[] = []): FoundFault {
  return { at: start, message, fixes, certain: true };
}

/** The first fault of a part. The parser bounds its depth and length. */
function check(part: Expression, context: Context): FoundFault | null {
  switch (part.kind) {
    case 'literal':
    case 'reference':
      return null;
    case 'name':
      return bareWord(part, part.name, '', context, true);
    case 'unary':
      return check(part.operand, context);
    case 'list':
      return first(part.items, context);
    case 'index':
      return first([part.of, part.index], context);
    case 'binary':
      return (
        checkLeft(part, context) ??
        first([part.left, part.right], context) ??
        checkSides(part, context) ??
        checkContains(part, context)
      );
    case 'member':
      return checkMember(part, context);
    case 'call':
      return checkCall(part, context);
  }
}

function first(parts: readonly Expression[], context: Context): FoundFault | null {
  for (const part of parts) {
    const fault = check(part, context);
    if (fault) return fault;
  }
  return null;
}

type Of<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>;

function source({ text }: Context, { start, end }: { start: number; end: number }): string {
  return text.slice(start, end);
}

/** A word at the left of a comparison is meant as a reference, so it gets no quotes. */
function checkLeft({ left, operator }: Of<'binary'>, context: Context): FoundFault | null {
  if (left.kind !== 'name' || operator.endsWith('in')) return null;
  return bareWord(left, left.name, '', context, false);
}

/** Words that stand for nothing: a reference without its brackets, or a text without its quotes. */
function bareWord(
  part: Expression,
  words: string,
  path: string,
  { scope }: Context,
  isText: boolean,
): FoundFault {
  const reference = scope.referenceFor(words, path);
  const { start, end } = part;
  const shown = `${words}${path}`.slice(0, 80);
  if (reference !== null) return certain(part, `${shown} is no reference`, [{ start, end, text: reference }]);
  const fixes = isText && path === '' ? [{ start, end, text: `"${words}"` }] : [];
  return certain(part, `${shown} is neither a reference nor a text in quotes`, fixes);
}

/** `x == "a" or "b"`: a text alone is always true. */
function checkSides(part: Of<'binary'>, context: Context): FoundFault | null {
  if (part.operator !== 'and' && part.operator !== 'or') return null;
  for (const side of [part.left, part.right]) {
    if (side.kind !== 'literal' || typeof side.value === 'boolean') continue;
    const fixes = side === part.right && part.operator === 'or' ? joinedInList(part, context) : [];
    return certain(side, `${source(context, side).slice(0, 40)} alone is no comparison`, fixes);
  }
  return null;
}

function joinedInList({ left, right, start, end }: Of<'binary'>, context: Context): Fix[] {
  if (left.kind !== 'binary') return [];
  const [of, value] = [source(context, left.left), source(context, left.right)];
  const more = source(context, right);
  if (left.operator === '==') return [{ start, end, text: `${of} in [${value}, ${more}]` }];
  if (left.operator === 'in' && left.right.kind === 'list')
    return [{ start, end, text: `${of} in ${value.slice(0, -1)}, ${more}]` }];
  return [];
}

function checkContains(part: Of<'binary'>, context: Context): FoundFault | null {
  const { operator, left, right, start, end } = part;
  if (!operator.endsWith('contains')) return null;
  const here = operator === 'contains' ? 'in' : 'not in';
  const text = `${source(context, right)} ${here} ${source(context, left)}`;
  return certain(part, `${operator} is written ${here}, the other way round`, [{ start, end, text }]);
}

/** A member that is not called: part of a reference without brackets, a length, or a field. */
function checkMember(part: Of<'member'>, context: Context): FoundFault | null {
  const { start, end } = part;
  const path = dottedPath(part);
  if (path) return bareWord(part, path.words, path.rest, context, false);
  const fault = check(part.of, context);
  if (fault) return fault;
  const of = source(context, part.of);
  if (part.name === 'length' || part.name === 'size')
    return certain(part, `.${part.name} is written len(...)`, [{ start, end, text: `len(${of})` }]);
  const text = part.of.kind === 'reference' ? `${of.slice(0, -1)}.${part.name}>` : `${of}["${part.name}"]`;
  return certain(part, `.${part.name} stands outside the reference`, [{ start, end, text }]);
}

/** The words and the path of `Block Name.output.field`, which has no brackets. */
function dottedPath(part: Expression): { words: string; rest: string } | null {
  const names: string[] = [];
  let at = part;
  for (; at.kind === 'member'; at = at.of) names.push(at.name);
  if (at.kind !== 'name') return null;
  const rest = names.toReversed().map((name) => `.${name}`);
  return { words: at.name, rest: rest.join('') };
}

function checkCall(part: Of<'call'>, context: Context): FoundFault | null {
  const { callee } = part;
  if (callee.kind === 'name') return first(part.arguments, context) ?? checkFunction(callee, part, context);
  if (callee.kind !== 'member')
    return first([callee, ...part.arguments], context) ?? certain(part, 'only a function can be called');
  return first([callee.of, ...part.arguments], context) ?? checkMethod(callee, part, context);
}

function checkFunction(callee: Of<'name'>, part: Of<'call'>, context: Context): FoundFault | null {
  const { name, start, end } = callee;
  const here = FOREIGN_FUNCTIONS.get(name);
  if (here !== undefined) return certain(callee, `${name} is written ${here}`, [{ start, end, text: here }]);
  if ((FUNCTIONS as readonly string[]).includes(name)) return checkCount(name, part);
  if (/^(?:lower|upper|strip)$/i.test(name) && part.arguments.length === 1) {
    const text = `${source(context, part.arguments[0]!)}.${name.toLowerCase()}()`;
    return certain(callee, `${name} is a method of text`, [{ start: part.start, end: part.end, text }]);
  }
  return unknown(callee, name);
}

function checkMethod(callee: Of<'member'>, part: Of<'call'>, context: Context): FoundFault | null {
  const { name, of } = callee;
  const whole = { start: part.start, end: part.end };
  const [argument] = part.arguments;
  if ((name === 'includes' || name === 'contains') && argument) {
    const text = `${source(context, argument)} in ${source(context, of)}`;
    return certain(part, `.${name} is written in`, [{ ...whole, text: `(${text})` }]);
  }
  const here = FOREIGN_METHODS.get(name);
  if (here !== undefined) {
    const fix = { start: callee.end - name.length, end: callee.end, text: here };
    return certain(callee, `.${name} is written .${here}`, [fix]);
  }
  if ((METHODS as readonly string[]).includes(name)) return checkCount(name, part);
  return unknown(callee, name);
}

/** How many arguments a function or a method takes. */
const COUNTS: ReadonlyMap<string, readonly [least: number, most: number]> = new Map([
  ['get', [1, 2]],
  ['lower', [0, 0]],
  ['upper', [0, 0]],
  ['strip', [0, 0]],
  ['startswith', [1, 1]],
  ['endswith', [1, 1]],
  ['round', [1, 2]],
  ['min', [1, 1_000]],
  ['max', [1, 1_000]],
]);

function checkCount(name: string, part: Of<'call'>): FoundFault | null {
  const [least, most] = COUNTS.get(name) ?? [1, 1];
  const given = part.arguments.length;
  if (given >= least && given <= most) return null;
  const takes = least === most ? String(least) : `${least} to ${most}`;
  return certain(part, `${name} takes ${takes} values, not ${given}`);
}

function unknown({ start }: Expression, name: string): FoundFault {
  return { at: start, message: `the function ${name.slice(0, 40)} is not known`, fixes: [], certain: false };
}
