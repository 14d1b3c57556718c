/** Cuts a tool's result to the size that a model may see. Lists are cut between elements. */

/** Characters of a result at most, as JSON text. */
export const MAX_RESULT_CHARS = 16_000;
const MIN_STRING_CHARS = 200;

/**
 * Returns a result that fits unchanged. Of a larger result it returns a copy with `truncated: true`. The copy's longest
 * lists are halved first, with the number of left-out elements beside them; then its longest strings are shortened.
 */
export function fitResult(
  result: Record<string, unknown>,
  maxChars: number = MAX_RESULT_CHARS,
): Record<string, unknown> {
  if (JSON.stringify(result).length <= maxChars) return result;
  const copy = structuredClone(result);
  copy.truncated = true;
  while (JSON.stringify(copy).length > maxChars) {
    const list = longest(copy, (value): value is unknown[] => Array.isArray(value) && value.length > 1);
    if (list) {
      const kept = Math.floor(list.value.length / 2);
      const leftOut = `${list.key}_left_out`;
      const before = list.parent[leftOut];
      list.parent[leftOut] = (typeof before === 'number' ? before : 0) + list.value.length - kept;
      list.value.length = kept;
      continue;
    }
    const texts = longTexts(copy);
    if (texts.length === 0)
      return { truncated: true, error: 'The result is too large to show. Ask for less at once.' };
    // All of about the longest one's size at once: one by one, a row of a thousand columns would be measured as often.
    const most = texts.reduce((length, { value }) => Math.max(length, value.length), 0);
    for (const { parent, key, value } of texts)
      if (value.length * 2 > most)
        parent[key] = `${value.slice(0, Math.floor(value.length / 2))}... [truncated]`;
  }
  return copy;
}

function longTexts(root: Record<string, unknown>): Place<string>[] {
  const found: Place<string>[] = [];
  const visit = (parent: Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(parent)) {
      if (typeof value === 'string' && value.length > MIN_STRING_CHARS) found.push({ parent, key, value });
      else if (typeof value === 'object' && value !== null) visit(value as Record<string, unknown>);
    }
  };
  visit(root);
  return found;
}

interface Place<T> {
  parent: Record<string, unknown>;
  key: string;
  value: T;
}

/** The largest value of a kind, by its JSON text. Lists inside lists are reached once the outer ones are short. */
function longest<T>(root: Record<string, unknown>, isKind: (value: unknown) => value is T): Place<T> | null {
  let found: Place<T> | null = null;
  let size = 0;
  const visit = (parent: Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(parent)) {
      if (isKind(value)) {
        const chars = JSON.stringify(value).length;
        if (chars > size) {
          size = chars;
          found = { parent, key, value };
        }
      }
      if (typeof value === 'object' && value !== null) visit(value as Record<string, unknown>);
    }
  };
  visit(root);
  return found;
}
