/** Compares, copies, merges, measures and parses JSON values. `__proto__` is a key like any other. */
import type { Json, JsonObject } from './json-value.ts';
import { scanJson } from './scan-json.ts';

/** The limits of JSON from outside: levels of containers, and the number of keys and values. */
export const JSON_LIMITS = { maxDepth: 64, maxTokens: 200_000 };

/** Whether a value is a JSON object: no array, no null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is an object or an array. */
export function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Deep equality. The order of keys does not matter. Safe at any depth. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  const pairs: [Json | undefined, Json | undefined][] = [[a, b]];
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    const [x, y] = pair;
    if (x === y) continue;
    if (Array.isArray(x)) {
      if (!Array.isArray(y) || x.length !== y.length) return false;
      for (const [index, item] of x.entries()) pairs.push([item, y[index]]);
      continue;
    }
    if (!isObject(x) || !isObject(y)) return false;
    const keys = Object.keys(x);
    if (keys.length !== Object.keys(y).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(y, key)) return false;
      pairs.push([x[key], y[key]]);
    }
  }
  return true;
}

/** Sets an own property, also one named `__proto__`. */
export function setKey(target: JsonObject, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The value of an own key. Inherited keys such as `toString` are undefined. */
export function getKey(source: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(source, key) ? source[key] : undefined;
}

/** Whether a value nests deeper than `levels`. The outermost container is level 1. Safe at any depth. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let layer = [value].filter(isContainer);
  for (let level = 1; layer.length > 0; level++) {
    if (level > levels) return true;
    layer = layer.flatMap((item) => Object.values(item)).filter(isContainer);
  }
  return false;
}

/** Copies a value with text that Postgres can store: NULs and lone surrogates in strings and keys become U+FFFD. */
export function toStorable(value: Json): Json {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\u0000', '\uFFFD');
  if (Array.isArray(value)) return value.map(toStorable);
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) setKey(result, toStorable(key) as string, toStorable(value[key]!));
  return result;
}

/** A shallow copy that keeps every own key. */
export function copyObject(source: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(source)) setKey(copy, key, source[key]!);
  return copy;
}

/** A shallow copy without the keys whose value is null. */
export function withoutNulls<Value>(source: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== null));
}

/** JSON Merge Patch (RFC 7396): objects merge, null removes, everything else replaces. Changes neither argument. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result = isObject(target) ? copyObject(target) : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key]!;
    if (value === null) delete result[key];
    else setKey(result, key, mergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}

/** Why a text is no JSON object within the limits. */
export type JsonProblem = 'depth' | 'tokens' | 'number' | 'syntax';

/** Parses a JSON object within JSON_LIMITS. Empty text is an empty object, because models send it for no arguments. */
export function readJsonObject(
  text: string,
): { value: JsonObject; problem: null } | { value: null; problem: JsonProblem } {
  if (text.trim() === '') return { value: {}, problem: null };
  const exceeded = scanJson(new TextEncoder().encode(text), JSON_LIMITS);
  if (exceeded !== null) return { value: null, problem: exceeded };
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return { value: null, problem: 'syntax' };
  }
  if (!isObject(value)) return { value: null, problem: 'syntax' };
  return isFinite(value) ? { value, problem: null } : { value: null, problem: 'number' };
}

/** Parses a JSON object within JSON_LIMITS, or returns null. Empty text is an empty object. */
export function parseJsonObject(text: string): JsonObject | null {
  return readJsonObject(text).value;
}

/** Whether every number is finite: JSON.parse turns 1e400 into Infinity. Recursive, so the depth must be bounded. */
function isFinite(value: Json): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return !isContainer(value) || Object.values(value).every((item) => isFinite(item));
}
