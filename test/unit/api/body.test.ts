import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HttpError } from '../../../api/http/http-error.ts';
import { parseBody } from '../../../api/middleware/body.ts';
import { scanJson } from '../../../domain/text/scan-json.ts';
import { toStorableJson } from '../../../api/middleware/storable-json.ts';
import type { Json } from '../../../domain/text/json-value.ts';
import { repeats } from '../../support/repeats.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const ENOUGH = 1_000_000;

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function status(text: string | Uint8Array): number {
  try {
    parseBody(typeof text === 'string' ? bytes(text) : text);
    return 200;
  } catch (error: unknown) {
    assert.ok(error instanceof HttpError, String(error));
    return error.status;
  }
}

const RUNS = { numRuns: repeats({ test: 40, soak: 500 }) };

test('the scan finds the depth that the parser makes', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 12 }), fc.integer({ min: 0, max: 12 }), (text, maxDepth) => {
      const exceeded = scanJson(bytes(text), { maxDepth, maxTokens: ENOUGH });
      assert.equal(exceeded === 'depth', depthOf(JSON.parse(text)) > maxDepth);
    }),
    RUNS,
  );
});

test('the scan is not misled by strings', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ']', 'u', 'é', '\n', ',') }),
      (text) => {
        const json = JSON.stringify([text, { [text]: 1 }]);
        assert.equal(scanJson(bytes(json), { maxDepth: 2, maxTokens: 8 }), null);
        assert.equal(scanJson(bytes(json), { maxDepth: 1, maxTokens: 8 }), 'depth');
      },
    ),
    RUNS,
  );
});

test('the scan takes any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
      scanJson(random, { maxDepth: 3, maxTokens: 10 });
    }),
  );
});

test('64 levels are accepted, 65 refused', () => {
  const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  assert.equal(status(nested(64)), 200);
  assert.equal(status(nested(65)), 400);
  assert.equal(status(nested(10_000)), 400);
  assert.equal(status('['.repeat(5_000_000)), 400);
});

test('200,000 keys and values are the limit, found before parsing', () => {
  assert.equal(status(`{"a":[${'1,'.repeat(199_000)}1]}`), 200);
  assert.equal(status(`{"a":[${'1,'.repeat(200_000)}1]}`), 400);
});

test('what is no JSON object is refused with 400', () => {
  for (const text of [
    '',
    ' ',
    '{',
    '{}x',
    '[]',
    '"x"',
    '1',
    'null',
    'true',
    '{"a":1,}',
    "{'a':1}",
    '\u0000',
    '{"a":NaN}',
  ])
    assert.equal(status(text), 400, text);
});

test('numbers that are too large are refused with 400', () => {
  for (const text of ['{"a":1e400}', '{"a":[-1e999]}', '{"a":{"b":1e309}}'])
    assert.equal(status(text), 400, text);
  assert.equal(status('{"a":1e308,"b":-0,"c":12345678901234567890}'), 200);
});

test('bytes that are no UTF-8 are refused with 400, a byte order mark is not', () => {
  assert.equal(status(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 400);
  assert.equal(status(Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])), 400);
  assert.equal(status('\uFEFF{"a":1}'), 200);
});

test('NUL and lone surrogates are replaced in strings and keys', () => {
  assert.deepEqual(parseBody(bytes('{"a\\u0000":["x\\u0000y","\\ud800","\\ude00z","\\ud83d\\ude00"]}')), {
    'a\uFFFD': ['x\uFFFDy', '\uFFFD', '\uFFFDz', '😀'],
  });
});

test('__proto__ and constructor are keys like any other and change no prototype', () => {
  const body = parseBody(
    bytes('{"__proto__":{"polluted":"\\u0000"},"constructor":{"prototype":{"polluted":1}},"\\u0000":1}'),
  );
  assert.deepEqual(Object.keys(body), ['__proto__', 'constructor', '\uFFFD']);
  assert.equal(Object.getPrototypeOf(body), Object.prototype);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('every parsed value is storable, and storable values are left as they are', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const before = JSON.stringify(value);
      const clean = JSON.stringify(toStorableJson(JSON.parse(before) as Json));
      assert.ok(clean.isWellFormed() && !/\\u0000|\\ud[89a-f]/.test(clean.replaceAll('\\\\', '')));
      assert.equal(JSON.stringify(toStorableJson(JSON.parse(clean) as Json)), clean);
    }),
    RUNS,
  );
});
