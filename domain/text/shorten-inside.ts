/** Shortens a value from the inside: texts keep their beginning and end, lists some first and last elements. */
import type { Json, JsonObject } from './json-value.ts';
import { isObject, setKey } from './json.ts';

/** Lengths of texts and lists, and depths. They are tried one after another until the value fits. */
const LIMITS = [
  { text: 2_000, list: 50, depth: 12 },
  { text: 800, list: 20, depth: 10 },
  { text: 300, list: 10, depth: 8 },
  { text: 120, list: 5, depth: 6 },
  { text: 60, list: 3, depth: 5 },
  { text: 30, list: 2, depth: 4 },
] as const;

/**
 * The value itself when its JSON text has at most `maxChars` characters, else a shortened copy. A shortened object has
 * `truncated: true`.
 */
export function shortenInside(value: Json, maxChars: number): Json {
  if (JSON.stringify(value).length <= maxChars) return value;
  for (const limit of LIMITS) {
    const short = mark(shorten(value, limit, 0));
    if (JSON.stringify(short).length <= maxChars) return short;
  }
  // Very long lists: only the first and last elements of each list are kept.
  let short = mark(shorten(value, LIMITS.at(-1)!, 0));
  for (let keep = 64; keep >= 2 && JSON.stringify(short).length > maxChars; keep = Math.floor(keep / 2)) {
    short = mark(thin(shorten(value, LIMITS.at(-1)!, 0), keep));
  }
  return short;
}

/** A copy whose texts keep about `chars` characters of their beginning and end. The value may nest 64 levels deep. */
export function shortenTexts(value: Json, chars: number): Json {
  if (typeof value === 'string') return shortenText(value, chars);
  if (Array.isArray(value)) return value.map((item) => shortenTexts(item, chars));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) setKey(result, key, shortenTexts(value[key]!, chars));
  return result;
}

function mark(value: Json): Json {
  return isObject(value) ? { ...value, truncated: true } : value;
}

function shorten(value: Json, limit: (typeof LIMITS)[number], depth: number): Json {
  if (typeof value === 'string') return shortenText(value, limit.text);
  if (Array.isArray(value)) {
    // The outermost list holds the results that were asked for. Its elements are shortened before any is left out.
    if (depth <= 1 || value.length <= limit.list) return value.map((item) => shorten(item, limit, depth + 1));
    const head = Math.ceil(limit.list / 2);
    const tail = limit.list - head;
    return [
      ...value.slice(0, head).map((item) => shorten(item, limit, depth + 1)),
      `... [${value.length - limit.list} of ${value.length} left out]`,
      ...value.slice(value.length - tail).map((item) => shorten(item, limit, depth + 1)),
    ];
  }
  if (!isObject(value)) return value;
  if (depth >= limit.depth) return shortenText(JSON.stringify(value), limit.text);
  const keys = Object.keys(value);
  const result: JsonObject = {};
  for (const key of keys.slice(0, limit.list * 2))
    setKey(result, shortenText(key, 100), shorten(value[key]!, limit, depth + 1));
  if (keys.length > limit.list * 2)
    setKey(result, '...', `[${keys.length - limit.list * 2} of ${keys.length} keys left out]`);
  return result;
}

function shortenText(text: string, chars: number): string {
  if (text.length <= chars + 30) return text;
  const head = Math.ceil((chars * 2) / 3);
  const left = text.length - chars;
  return `${text.slice(0, head)}... [${left} characters left out] ...${text.slice(text.length - (chars - head))}`.toWellFormed();
}

/** Reduces lists at any depth to their first and last elements. */
function thin(value: Json, keep: number): Json {
  if (Array.isArray(value)) {
    const items = value.map((item) => thin(item, keep));
    if (items.length <= keep) return items;
    const head = Math.ceil(keep / 2);
    return [
      ...items.slice(0, head),
      `... [${items.length - keep} of ${items.length} left out]`,
      ...items.slice(items.length - (keep - head)),
    ];
  }
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) setKey(result, key, thin(value[key]!, keep));
  return result;
}
