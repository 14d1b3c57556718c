/** The functions and methods of the language of conditions. domain/rules/expression-faults.ts lists their names. */
import { toJsonText } from '../text/json-text.ts';
import type { Json } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';
import { EvaluationFault, isTruthy, kindOf, numberOf } from './value.ts';

/** Calls a function. Throws an EvaluationFault for values that it does not take. */
export function callFunction(name: string, values: readonly Json[]): Json {
  const [value = null] = values;
  switch (name) {
    case 'len':
      return lengthOf(value);
    case 'str':
      return typeof value === 'string' ? value : toJsonText(value);
    case 'int':
      return Math.trunc(toNumber(value));
    case 'float':
      return toNumber(value);
    case 'bool':
      return isTruthy(value);
    case 'abs':
      return Math.abs(numberOf(value));
    case 'round':
      return rounded(numberOf(value), numberOf(values[1] ?? 0));
    case 'min':
      return Math.min(...numbersOf(values));
    case 'max':
      return Math.max(...numbersOf(values));
    default:
      throw new EvaluationFault(`the function ${name.slice(0, 40)} is not known`);
  }
}

/** Calls a method of a value. Throws an EvaluationFault for values that it does not take. */
export function callMethod(name: string, of: Json, values: readonly Json[]): Json {
  const [value = null] = values;
  if (name === 'get') {
    if (!isObject(of)) throw new EvaluationFault(`${kindOf(of)} has no .get`);
    return typeof value === 'string' && Object.hasOwn(of, value) ? of[value]! : (values[1] ?? null);
  }
  if (typeof of !== 'string') throw new EvaluationFault(`${kindOf(of)} has no .${name.slice(0, 40)}`);
  switch (name) {
    case 'lower':
      return of.toLowerCase();
    case 'upper':
      return of.toUpperCase();
    case 'strip':
      return of.trim();
    case 'startswith':
      return of.startsWith(textOf(value));
    case 'endswith':
      return of.endsWith(textOf(value));
    default:
      throw new EvaluationFault(`the method ${name.slice(0, 40)} is not known`);
  }
}

/** A text's length is its number of characters, not of UTF-16 units. */
function lengthOf(value: Json): number {
  if (typeof value === 'string') {
    let length = 0;
    for (let at = 0; at < value.length; length++) at += value.codePointAt(at)! > 0xffff ? 2 : 1;
    return length;
  }
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw new EvaluationFault(`${kindOf(value)} has no length`);
}

function toNumber(value: Json): number {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'string') return numberOf(value);
  const text = value.trim();
  // Only the dot may begin a second run of digits: with two ways to part the digits, the time would grow with their square.
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(text))
    throw new EvaluationFault(`${JSON.stringify(text.slice(0, 40))} is no number`);
  return finite(Number(text));
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** Math.max(-15, Math.min(15, Math.trunc(digits)));
  return finite(Math.round(value * scale) / scale);
}

function numbersOf(values: readonly Json[]): number[] {
  const list = values.length === 1 && Array.isArray(values[0]) ? values[0] : values;
  if (list.length === 0 || list.length > 1_000) throw new EvaluationFault('it needs 1 to 1,000 numbers');
  return list.map(numberOf);
}

function textOf(value: Json): string {
  if (typeof value !== 'string') throw new EvaluationFault(`${kindOf(value)} is no text`);
  return value;
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new EvaluationFault('a number is too large');
  return value;
}
