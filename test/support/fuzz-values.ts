/** Arbitraries of texts and JSON values that careless code may fail on. */
import fc from 'fast-check';

/** JSON text of nested lists. */
export const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** A text that careless code may fail on. */
export const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\udfff\ud800',
    '\u2028',
    '\uFEFF',
    '\u{E0041}',
    '\u202E',
    '\r\n',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'null',
    'NaN',
    '1e400',
    '-0',
    "' or 1=1 --",
    '$1',
    '?',
    '??',
    ':name',
    '%',
    '\\',
    '{{x}}',
    '<Start.output>',
    '<a.b.c>',
    '../..',
    '00000000',
    'x'.repeat(256),
    'ü'.repeat(32_001),
    '😀'.repeat(300),
    '1'.repeat(400),
  ),
);
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, -1, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 53, 1e21, 0.1),
);
/** Any JSON value, with hostile keys and texts. */
export const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    hostileText,
    number,
    fc.constantFrom(null, true, false),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(hostileText, tie('value')), { maxLength: 4 }).map(toObject),
  ),
})).value;

/** A JSON object with hostile keys. */
export const anyObject = fc.array(fc.tuple(hostileText, anyValue), { maxLength: 4 }).map(toObject);

/** An object with these own keys. fc.dictionary would leave `__proto__` out. */
export function toObject(entries: [string, unknown][]): object {
  const object = {};
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}
