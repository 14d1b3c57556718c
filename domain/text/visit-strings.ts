/** Visits the texts of a JSON value. */
import type { Json } from './json-value.ts';

/** Visits all texts in order. Safe at any depth. */
export function visitStrings(root: Json, visit: (text: string) => void): void {
  const todo: Json[] = [root];
  for (let value = todo.pop(); value !== undefined; value = todo.pop()) {
    if (typeof value === 'string') visit(value);
    else if (typeof value === 'object' && value !== null) {
      const items = Array.isArray(value) ? value : Object.values(value);
      for (let index = items.length - 1; index >= 0; index--) todo.push(items[index]!);
    }
  }
}
