/** JSON from outside may nest as deep as it likes: nothing that meets it may recurse without end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from '../../../domain/text/canonical-json.ts';
import { hideSecrets } from '../../../domain/text/hide-secrets.ts';
import type { Json, JsonObject } from '../../../domain/text/json-value.ts';
import { jsonEqual, parseJsonObject, readJsonObject } from '../../../domain/text/json.ts';
import { toJsonText } from '../../../domain/text/json-text.ts';
import { shortenInside } from '../../../domain/text/shorten-inside.ts';
import { visibleJson } from '../../../domain/text/spell-out-hidden.ts';
import { argumentsOf } from '../../../llm/adapters/past-calls.ts';
import { hashArguments } from '../../../activities/conversation/transcript.ts';
import { repeats } from '../../support/repeats.ts';

const deepText = (levels: number): string => `${'{"a":['.repeat(levels)}1${']}'.repeat(levels)}`;
const deep = (levels: number): JsonObject => JSON.parse(deepText(levels)) as JsonObject;

test('texts are written at any depth, and read back as they were', () => {
  const text = deepText(50_000);
  assert.equal(toJsonText(JSON.parse(text) as Json), text);
  assert.equal(canonicalJson(JSON.parse(text)), text);
  assert.ok(jsonEqual(deep(50_000), deep(50_000)));
  assert.ok(!jsonEqual(deep(50_000), deep(50_001)));
});

test('what is written by the loop is what JSON.stringify writes', () => {
  const wrap = (value: Json): Json => {
    let wrapped = value;
    for (let level = 0; level < 6_000; level++) wrapped = [wrapped];
    return wrapped;
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = value as Json;
      assert.equal(toJsonText(wrap(json)), `${'['.repeat(6_000)}${JSON.stringify(json)}${']'.repeat(6_000)}`);
      assert.equal(
        canonicalJson(wrap(json)),
        `${'['.repeat(6_000)}${canonicalJson(json)}${']'.repeat(6_000)}`,
      );
    }),
    { numRuns: repeats({ test: 15, soak: 50 }) },
  );
  assert.equal(canonicalJson({ b: 1, a: { 10: 1, 9: [], c: {} } }), '{"a":{"9":[],"10":1,"c":{}},"b":1}');
});

test('what is shown of a value ends at 64 levels, with words that say so', () => {
  const shown = hideSecrets({ token: 'x', rest: deep(20_000) });
  const text = JSON.stringify(shown);
  assert.match(text, /nested deeper than 64 levels/);
  assert.match(text, /"token":"\[hidden\]"/);
  assert.ok(JSON.stringify(shortenInside(shown, 500)).length <= 500);
  visibleJson(shown);
});

test('arguments are measured before they are parsed', () => {
  const problem = (text: string) => readJsonObject(text).problem;
  assert.equal(problem(`{"sql":${'['.repeat(20_000)}${']'.repeat(20_000)}}`), 'depth');
  assert.equal(problem(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`), null);
  assert.equal(problem(`{"a":${'['.repeat(64)}${']'.repeat(64)}}`), 'depth');
  assert.equal(problem(`{"a":[${'1,'.repeat(200_000)}1]}`), 'tokens');
  assert.equal(problem('{"a":1e999}'), 'number');
  assert.equal(problem('[1]'), 'syntax');
  assert.equal(problem('{"a":'), 'syntax');
  assert.deepEqual(parseJsonObject(' '), {});
  assert.deepEqual(Object.keys(parseJsonObject('{"__proto__":1}')!), ['__proto__']);
});

test('a call with such arguments can be hashed, and sent back to the model as text', () => {
  const text = `{"sql":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  assert.match(hashArguments(text), /^[0-9a-f]{16}$/);
  const sent = JSON.parse(argumentsOf({ callId: 'c', name: 'n', arguments: text })) as { unreadable: string };
  assert.equal(sent.unreadable, text);
});
