/** Evaluates the expression of a condition. What depends on an unknown value is unknown. */
import { type Expression, parseExpression } from '../rules/expression.ts';
import { readReference } from '../rules/reference.ts';
import { toJsonText } from '../text/json-text.ts';
import type { Json } from '../text/json-value.ts';
import { isObject, jsonEqual } from '../text/json.ts';
import { callFunction, callMethod } from './functions.ts';
import { resolveConfig } from './resolve.ts';
import {
  type Budget,
  EvaluationFault,
  isTruthy,
  kindOf,
  type LookUp,
  numberOf,
  Unknown,
  type Value,
} from './value.ts';

/** Whether an expression is true, or why nobody knows, or why it fails. */
export type Truth = { is: boolean } | { unknown: string } | { fails: string };

/** Evaluates an expression. Throws nothing but TooMuchWork. */
export function evaluate(text: string, lookUp: LookUp, budget: Budget): Truth {
  budget.spend(text.length);
  const parsed = parseExpression(text);
  if (!parsed.ok) return { fails: parsed.message };
  const unresolved = findUnresolved(text, lookUp);
  if (unresolved !== null) return { fails: unresolved };
  try {
    const truth = truthOf(parsed.expression, { lookUp, budget });
    return truth instanceof Unknown ? { unknown: truth.why } : { is: truth };
  } catch (error: unknown) {
    if (!(error instanceof EvaluationFault)) throw error;
    return { fails: error.message };
  }
}

/** Why a reference stands for nothing. One such reference makes the whole expression false, whatever the rest says. */
function findUnresolved(text: string, lookUp: LookUp): string | null {
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    const reference = readReference(text, at);
    const found = reference && lookUp(reference.name, reference.path);
    if (found && 'unresolved' in found) return found.unresolved;
  }
  return null;
}

interface Context {
  lookUp: LookUp;
  budget: Budget;
}

/** Whether an expression counts as true. `false and unknown` is false, and `true or unknown` is true. */
function truthOf(part: Expression, context: Context): boolean | Unknown {
  if (part.kind === 'unary' && part.operator === 'not') {
    const truth = truthOf(part.operand, context);
    return truth instanceof Unknown ? truth : !truth;
  }
  if (part.kind === 'binary' && (part.operator === 'and' || part.operator === 'or')) {
    const decides = part.operator === 'or';
    const left = truthOf(part.left, context);
    if (left === decides) return decides;
    const right = left instanceof Unknown ? tryTruth(part.right, context) : truthOf(part.right, context);
    if (right === decides || !(left instanceof Unknown)) return right;
    return left;
  }
  const value = valueOf(part, context);
  return value instanceof Unknown ? value : isTruthy(value);
}

/** A fault counts only when this side is evaluated at all, which nobody knows. */
function tryTruth(part: Expression, context: Context): boolean | Unknown {
  try {
    return truthOf(part, context);
  } catch (error: unknown) {
    if (!(error instanceof EvaluationFault)) throw error;
    return new Unknown(error.message);
  }
}

function valueOf(part: Expression, context: Context): Value {
  switch (part.kind) {
    case 'literal':
      return typeof part.value === 'string' ? textOf(part.value, context) : part.value;
    case 'reference': {
      const found = context.lookUp(part.block, part.path);
      if ('unresolved' in found) throw new EvaluationFault(found.unresolved);
      return found.value;
    }
    case 'name':
      throw new EvaluationFault(`${part.name.slice(0, 80)} stands for nothing`);
    case 'list':
      return known(part.items, context, (items) => items);
    case 'index':
      return known([part.of, part.index], context, ([of, index]) => itemOf(of!, index!));
    case 'member':
      throw new EvaluationFault(`.${part.name.slice(0, 80)} stands outside a reference`);
    case 'unary':
      if (part.operator === 'not') return truthOf(part, context);
      return known([part.operand], context, ([operand]) => -numberOf(operand!));
    case 'binary':
      if (part.operator === 'and' || part.operator === 'or') return chosen(part, context);
      return known([part.left, part.right], context, ([left, right]) =>
        operate(part.operator, left!, right!, context.budget),
      );
    case 'call': {
      const { callee } = part;
      if (callee.kind === 'name')
        return known(part.arguments, context, (values) =>
          paidFor(callFunction(callee.name, values), context.budget),
        );
      if (callee.kind === 'member')
        return known([callee.of, ...part.arguments], context, ([of, ...values]) =>
          paidFor(callMethod(callee.name, of!, values), context.budget),
        );
      throw new EvaluationFault('only a function can be called');
    }
  }
}

/** The result of known operands; unknown when one of them is. */
function known(parts: readonly Expression[], context: Context, work: (values: Json[]) => Value): Value {
  const values: Json[] = [];
  let unknown: Unknown | null = null;
  for (const part of parts) {
    const value = valueOf(part, context);
    if (value instanceof Unknown) unknown ??= value;
    else values.push(value);
  }
  return unknown ?? work(values);
}

/**
 * Counts a text that a call has made. A text may be twice as long as the value that it was made from, and calls may be
 * nested: `str` escapes the backslashes of a list's texts.
 */
function paidFor(made: Json, budget: Budget): Json {
  if (typeof made === 'string') budget.spend(made.length);
  return made;
}

/** `a or b` is a when a counts as true, else b. */
function chosen(part: Extract<Expression, { kind: 'binary' }>, context: Context): Value {
  const left = valueOf(part.left, context);
  if (left instanceof Unknown) return left;
  return isTruthy(left) === (part.operator === 'or') ? left : valueOf(part.right, context);
}

/** A text in quotes. References inside it are filled. */
function textOf(text: string, { lookUp, budget }: Context): Value {
  if (!text.includes('.output')) return text;
  const unknown: Unknown[] = [];
  const noticed = { unresolved: new Set<string>(), wholeValue: false };
  const watched: LookUp = (name, path) => {
    const found = lookUp(name, path);
    if ('value' in found && found.value instanceof Unknown) unknown.push(found.value);
    return found;
  };
  const filled = resolveConfig(text, watched, budget, noticed);
  const [unresolved] = noticed.unresolved;
  if (unresolved !== undefined) throw new EvaluationFault(unresolved);
  if (unknown.length > 0) return unknown[0]!;
  return typeof filled === 'string' ? filled : toJsonText(filled);
}

function operate(operator: string, left: Json, right: Json, budget: Budget): Value {
  switch (operator) {
    case '==':
      return jsonEqual(left, right);
    case '!=':
      return !jsonEqual(left, right);
    case 'in':
      return contains(right, left, budget);
    case 'not in':
      return !contains(right, left, budget);
    case '<':
      return compare(left, right) < 0;
    case '<=':
      return compare(left, right) <= 0;
    case '>':
      return compare(left, right) > 0;
    case '>=':
      return compare(left, right) >= 0;
    case '+':
      return add(left, right, budget);
    default:
      return calculate(operator, numberOf(left), numberOf(right));
  }
}

function add(left: Json, right: Json, budget: Budget): Value {
  if (typeof left === 'string' && typeof right === 'string') {
    budget.spend(left.length + right.length);
    return left + right;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    budget.spend(left.length + right.length);
    return [...left, ...right];
  }
  return finite(numberOf(left) + numberOf(right));
}

function calculate(operator: string, left: number, right: number): Value {
  if (operator === '-') return finite(left - right);
  if (operator === '*') return finite(left * right);
  if (right === 0) throw new EvaluationFault('it divides by zero');
  const floor = Math.floor(left / right);
  if (operator === '//') return finite(floor);
  if (operator === '%') return finite(left - right * floor);
  return finite(left / right);
}

function finite(number: number): Value {
  return Number.isFinite(number) ? number : new Unknown('a number is too large');
}

/** Texts by their characters, numbers by their size. */
function compare(left: Json, right: Json): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : Number(left > right);
  throw new EvaluationFault(`${kindOf(left)} and ${kindOf(right)} can't be put in order`);
}

/** The comparisons of one search that count as one character of work. */
const SEARCH_STEPS = 16;

function contains(all: Json, part: Json, budget: Budget): boolean {
  if (Array.isArray(all)) return all.some((item) => jsonEqual(item, part));
  if (typeof all === 'string' && typeof part === 'string') {
    // For some texts, the time of a search grows with the product of both lengths.
    if (part.length <= all.length) budget.spend((all.length * part.length) / SEARCH_STEPS);
    return all.includes(part);
  }
  if (isObject(all) && typeof part === 'string') return Object.hasOwn(all, part);
  throw new EvaluationFault(`${kindOf(part)} can't be looked for in ${kindOf(all)}`);
}

function itemOf(of: Json, index: Json): Json {
  const item =
    (Array.isArray(of) || typeof of === 'string') && typeof index === 'number'
      ? of.at(index)
      : isObject(of) && typeof index === 'string' && Object.hasOwn(of, index)
        ? of[index]
        : undefined;
  if (item === undefined)
    throw new EvaluationFault(`${kindOf(of)} has no item ${toJsonText(index).slice(0, 80)}`);
  return item;
}
