/** Secrets in data: none survives, nothing else changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../../../domain/text/json-value.ts';
import { hideInText, hideSecrets, isSecretName, looksLikeSecret } from '../../../domain/text/hide-secrets.ts';
import { shortenInside } from '../../../domain/text/shorten-inside.ts';
import { cpuMs } from '../../support/cpu-time.ts';
import { repeats } from '../../support/repeats.ts';

const id = (length: number) =>
  fc.string({
    unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789'.split('')),
    minLength: length,
    maxLength: length,
  });
const secret = fc.oneof(
  id(30).map((text) => `sk-${text}`),
  id(36).map((text) => `ghp_${text}`),
  id(20).map((text) => `xoxb-${text}`),
  id(20).map((text) => `Bearer ${text}`),
  id(12).map((text) => `https://user:${text}@host.test/x`),
  fc.tuple(id(12), id(12), id(12)).map(([a, b, c]) => `eyJ${a}.${b}.${c}`),
);

test('a planted secret never survives, wherever it stands', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 3 }),
      secret,
      fc.constantFrom('note', 'a b', 'url'),
      (around, planted, key) => {
        const kept = planted.replace(/^(?:Bearer |sk-|ghp_|xoxb-|eyJ|https:\/\/user:)/, '').slice(0, 10);
        const value = { around, list: [{ [key]: `see ${planted}, thanks` }], [`k ${planted}`]: 1 } as Json;
        const shown = JSON.stringify(hideSecrets(value));
        assert.ok(!shown.includes(kept), shown);
        assert.match(shown, /see .*\[hidden\].*, thanks/);
        assert.ok(looksLikeSecret(planted));
      },
    ),
    { numRuns: repeats({ test: 100, soak: 500 }) },
  );
});

test('what is named like a secret is hidden, what only sounds like one is not', () => {
  for (const name of [
    'password',
    'apiKey',
    'API-KEY',
    'x-api-key',
    'accessToken',
    'webhook_secret',
    'Authorization',
    'client.secret',
    'dbPassword',
  ])
    assert.ok(isSecretName(name), name);
  for (const name of [
    'max_tokens',
    'token_count',
    'tokens',
    'secretary',
    'passwordless',
    'keyboard',
    'author',
    'monkey',
    'id',
    '',
  ])
    assert.ok(!isSecretName(name), name);
  assert.deepEqual(
    hideSecrets({ password: { value: 'x', n: 5, on: true }, token: '<Start.output.token>', max_tokens: 5 }),
    {
      password: { value: '[hidden]', n: '[hidden]', on: true },
      token: '<Start.output.token>',
      max_tokens: 5,
    },
  );
});

test('values without secrets come back equal', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.parse(JSON.stringify(value)) as Json;
      if (!/sk-|bearer|basic|eyJ|:\/\/|token|secret|key|pass|cookie|dsn/i.test(JSON.stringify(json)))
        assert.deepEqual(hideSecrets(json), json);
    }),
  );
});

test('hostile texts take linear time', () => {
  for (const unit of [
    'sk-',
    'eyJa.',
    'Bearer ',
    'https://a:',
    '-----BEGIN PRIVATE KEY-----',
    'a://b:c',
    ' '.repeat(5),
    'xox-',
    'AKIA',
  ]) {
    const text = unit.repeat(Math.ceil(200_000 / unit.length));
    const startedAt = cpuMs();
    hideInText(text);
    // Quadratic time would be minutes.
    assert.ok(cpuMs() - startedAt < 5_000, unit);
  }
});

test('shortening keeps the size, the ends of texts, and something of everything', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.integer({ min: 1_500, max: 5_000 }), (value, max) => {
      const whole = {
        value,
        big: 'x'.repeat(9_000),
        list: Array.from({ length: 900 }, (_, n) => `item ${n}`),
      } as Json;
      const short = shortenInside(whole, max) as { big: string; list: string[] };
      assert.ok(JSON.stringify(short).length <= max);
      assert.match(short.big, /^x+\.\.\. \[\d+ characters left out\] \.\.\.x+$/);
      assert.equal(short.list[0], 'item 0');
      assert.equal(short.list.at(-1), 'item 899');
    }),
    { numRuns: repeats({ test: 20, soak: 60 }) },
  );
});
