/** Writes JSON text of any depth. JSON.stringify fails beyond about 4,000 levels, and stored rows may be deeper. */
import { isObject } from './json.ts';
import type { Json } from './json-value.ts';

/** The JSON text of a value, as JSON.stringify writes it. Safe at any depth. */
export function toJsonText(value: Json | object): string {
  return write(
    value,
    (inner) => inner,
    () => JSON.stringify(value),
  );
}

/** The JSON text of a value with sorted keys. It is equal for equal values. Safe at any depth. */
export function canonicalJson(value: unknown): string {
  return write(value, sorted, () =>
    JSON.stringify(value, (_key, inner: unknown) => (isObject(inner) ? sorted(inner) : inner)),
  );
}

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Tries `fast`, which recurses. Writes a value that is too deep for it with a loop. */
function write(value: unknown, ordered: (object: object) => object, fast: () => string): string {
  try {
    return fast();
  } catch (error: unknown) {
    if (!(error instanceof RangeError)) throw error;
    return writeDeep(value, ordered);
  }
}

function writeDeep(root: unknown, ordered: (object: object) => object): string {
  const parts: string[] = [];
  // A stack of what is still to be written: finished text, and values.
  const todo: ({ text: string } | { value: unknown })[] = [{ value: root }];
  for (let next = todo.pop(); next; next = todo.pop()) {
    if ('text' in next) {
      parts.push(next.text);
    } else if (Array.isArray(next.value)) {
      const items: typeof todo = next.value.flatMap((value: unknown, index) => [
        { text: index === 0 ? '[' : ',' },
        { value },
      ]);
      if (items.length === 0) items.push({ text: '[' });
      push(todo, [...items, { text: ']' }]);
    } else if (isObject(next.value)) {
      const entries = Object.entries(ordered(next.value)).filter(([, value]) => value !== undefined);
      const items: typeof todo = entries.flatMap(([key, value]: [string, unknown], index) => [
        { text: `${index === 0 ? '{' : ','}${JSON.stringify(key)}:` },
        { value },
      ]);
      if (items.length === 0) items.push({ text: '{' });
      push(todo, [...items, { text: '}' }]);
    } else {
      parts.push(JSON.stringify(next.value) ?? 'null');
    }
  }
  return parts.join('');
}

function push<T>(stack: T[], items: T[]): void {
  for (const item of items.toReversed()) stack.push(item);
}
