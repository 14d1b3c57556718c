/** Values of a dry run: what is known as JSON, and what only a real run would know. */
import type { Json } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';

/** A value that only a real run would know. */
export class Unknown {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

export type Value = Json | Unknown;

/** What a reference stands for. An unresolved one stands for nothing: its block did not run, or has no such field. */
export type Found = { value: Value } | { unresolved: string };

/** What a config may look up: the output of a block by its name, and a path into that output. */
export type LookUp = (name: string, path: string) => Found;

/** The work of a dry run, in characters of the values that it reads and makes. */
export class Budget {
  private left: number;

  constructor(characters: number) {
    this.left = characters;
  }

  /** Throws a TooMuchWork when nothing is left. */
  spend(characters: number): void {
    this.left -= characters + 1;
    if (this.left < 0) throw new TooMuchWork();
  }
}

/** Why an expression has no value. */
export class EvaluationFault extends Error {}

/** Ends a dry run whose values are too large. */
export class TooMuchWork extends Error {}

/** The steps of a path such as `.items[0].name`; null for a path of another form. */
export function readPath(path: string): (string | number)[] | null {
  const steps: (string | number)[] = [];
  const step = /\.([\p{L}\p{N}_ -]+)|\[(\d{1,9})\]|\[(["'])([^"'\]]*)\3\]/uy;
  let at = 0;
  while (at < path.length) {
    step.lastIndex = at;
    const match = step.exec(path);
    if (!match) return null;
    steps.push(match[1]?.trim() ?? (match[2] === undefined ? match[4]! : Number(match[2])));
    at = step.lastIndex;
  }
  return steps;
}

/** The part of a value that a path leads to; undefined when there is none. */
export function follow(value: Json, steps: readonly (string | number)[]): Json | undefined {
  let at: Json | undefined = value;
  for (const step of steps) {
    if (at === null || at === undefined || typeof at !== 'object') return undefined;
    if (Array.isArray(at))
      at = typeof step === 'number' || /^\d{1,9}$/.test(step) ? at[Number(step)] : undefined;
    else at = Object.hasOwn(at, String(step)) ? at[String(step)] : undefined;
  }
  return at;
}

/** Empty texts, lists and objects, 0, null and false count as false. */
export function isTruthy(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** A value's kind, for messages. */
export function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}

/** A value that must be a number. Throws an EvaluationFault for any other. */
export function numberOf(value: Json): number {
  if (typeof value !== 'number') throw new EvaluationFault(`${kindOf(value)} is no number`);
  return value;
}
