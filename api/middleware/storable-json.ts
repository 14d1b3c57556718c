import type { Json } from '../../domain/text/json-value.ts';

/** Thrown by toStorableJson when a number is too large to be one. */
export class NonFiniteNumberError extends Error {
  readonly code = 'NON_FINITE_NUMBER';
}

/**
 * Makes a parsed value safe to store, in place where it can: NUL becomes U+FFFD and lone surrogates are replaced, in
 * strings and keys (Postgres takes neither). Throws NonFiniteNumberError for what JSON.parse made of 1e400.
 * Recursive: the caller has bounded the depth.
 */
export function toStorableJson(value: Json): Json {
  if (typeof value === 'string') return toStorableText(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NonFiniteNumberError('a number is too large');
    return value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const storable = toStorableJson(item);
      if (storable !== item) value[index] = storable;
    }
    return value;
  }
  const keys = Object.keys(value);
  // defineProperty, because a plain assignment to `__proto__` could set the prototype.
  const target = keys.every(isStorableText) ? value : {};
  for (const key of keys) {
    const item = value[key]!;
    const storable = toStorableJson(item);
    // Nearly always: nothing is written, which costs several times what reading does.
    if (target === value && storable === item) continue;
    Object.defineProperty(target, toStorableText(key), {
      value: storable,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return target;
}

function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

function toStorableText(text: string): string {
  return isStorableText(text) ? text : text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}
