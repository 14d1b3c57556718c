import type { Json } from '../../domain/text/json-value.ts';

/** Thrown by toStorableJson for a number that is too large for a double. */
export class NonFiniteNumberError extends Error {
  readonly code = 'NON_FINITE_NUMBER';
}

/**
 * Makes a parsed value safe to store. In strings and keys, NUL becomes U+FFFD and lone surrogates are replaced, because
 * Postgres refuses both. Objects are changed in place when possible. Throws NonFiniteNumberError for a number such as
 * 1e400, which JSON.parse reads as Infinity. The function is recursive, so the caller must have bounded the depth.
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
    // Nearly always nothing changed, and nothing is written: writing takes several times as long as reading.
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
