/** The catalogue and its rules: what may be chosen, what is used, what it costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  costUsd,
  effectiveModel,
  findModel,
  isModelAvailable,
  listModelOptions,
  MODELS,
  modelKeys,
} from '../../contracts/models.ts';

const NONE = { openai: false, anthropic: false };
const OPENAI = { openai: true, anthropic: false };
const usage = (input: number, cached: number, output: number) => ({
  input_tokens: input,
  cached_tokens: cached,
  output_tokens: output,
});

test('every model has an id and a label of its own and sound limits', () => {
  assert.equal(new Set(MODELS.map((model) => model.id)).size, MODELS.length);
  assert.equal(new Set(MODELS.map((model) => model.label)).size, MODELS.length);
  for (const model of MODELS) {
    assert.equal(findModel(model.id), model);
    assert.ok(model.maxOutputTokens < model.contextTokens, model.id);
    for (const price of Object.values(model.price ?? {}))
      assert.match(price, /^\d+(\.\d{1,6})?$|^\d{4}-\d\d-\d\d$/);
  }
});

test('the options name the models, their providers, and which have a key', () => {
  const options = listModelOptions(OPENAI);
  assert.deepEqual(
    options.filter((option) => option.available).map((option) => option.value),
    ['gpt-5.2', 'gpt-4.1', 'gpt-4o', 'o3', 'o4-mini'],
  );
  assert.deepEqual(
    options.filter((option) => option.provider === 'anthropic').map((option) => option.label),
    ['Claude Opus 4.6', 'Claude Sonnet 4.6', 'Claude Haiku 4.5'],
  );
});

test('the demo is offered, available and the effective default without any key, and not with one', () => {
  assert.equal(listModelOptions(NONE).find((option) => option.value === 'demo')?.available, true);
  assert.ok(listModelOptions(NONE).every((option) => option.available === (option.value === 'demo')));
  assert.equal(effectiveModel(null, NONE), 'demo');
  for (const keys of [OPENAI, { openai: false, anthropic: true }]) {
    assert.ok(listModelOptions(keys).every((option) => option.value !== 'demo'));
    assert.equal(isModelAvailable('demo', keys), false);
    assert.equal(effectiveModel(null, keys), 'gpt-5.2');
    assert.equal(effectiveModel('demo', keys), 'gpt-5.2');
  }
});

test('a choice is kept; one that is no model any more is not', () => {
  assert.equal(effectiveModel('o3', OPENAI), 'o3');
  assert.equal(effectiveModel('o3', NONE), 'o3');
  assert.equal(effectiveModel('gone', OPENAI), 'gpt-5.2');
  assert.equal(isModelAvailable('gone', OPENAI), false);
});

test('a base URL makes models available without a key', () => {
  const side = { apiKey: undefined, baseUrl: undefined };
  assert.deepEqual(modelKeys({ openai: side, anthropic: side }), NONE);
  assert.deepEqual(
    modelKeys({ openai: { ...side, baseUrl: 'http://localhost:1/v1' }, anthropic: side }),
    OPENAI,
  );
  assert.deepEqual(modelKeys({ openai: { ...side, apiKey: 'k' }, anthropic: side }), OPENAI);
});

test('costs are exact decimals', () => {
  assert.equal(costUsd('gpt-5.2', usage(1_000_000, 0, 0)), '1.75');
  assert.equal(costUsd('gpt-5.2', usage(1_000_000, 1_000_000, 0)), '0.175');
  assert.equal(costUsd('gpt-5.2', usage(0, 0, 1)), '0.000014');
  assert.equal(costUsd('gpt-5.2', usage(1, 1, 0)), '0.000000175');
  assert.equal(costUsd('gpt-4.1', usage(0, 0, 0)), '0');
  assert.equal(costUsd('o4-mini', usage(3, 1, 7)), '0.000033275');
  assert.equal(costUsd('demo', usage(5, 0, 5)), null);
  assert.equal(costUsd('gone', usage(5, 0, 5)), null);
});

test('the cost is the price times the tokens, to the last digit', () => {
  const picos = (decimal: string): bigint => {
    const [whole = '0', fraction = ''] = decimal.split('.');
    return BigInt(whole + fraction.padEnd(12, '0'));
  };
  const priced = MODELS.filter((model) => model.price !== null);
  const count = fc.nat(Number.MAX_SAFE_INTEGER);
  fc.assert(
    fc.property(fc.constantFrom(...priced), count, count, count, ({ id, price }, input, cached, output) => {
      const cost = costUsd(id, usage(input, cached, output))!;
      assert.match(cost, /^(0|[1-9]\d*)(\.\d{0,11}[1-9])?$/, 'a plain decimal without idle zeros');
      const perToken = (of: string): bigint => picos(of) / 1_000_000n;
      const fresh = input > cached ? BigInt(input) - BigInt(cached) : 0n;
      assert.equal(
        picos(cost),
        fresh * perToken(price!.input) +
          BigInt(cached) * perToken(price!.cachedInput) +
          BigInt(output) * perToken(price!.output),
      );
    }),
  );
});

test('the cost of two calls is the sum of their costs', () => {
  const picos = (text: string | null): bigint => {
    const [whole = '0', fraction = ''] = (text ?? '0').split('.');
    return BigInt(whole + fraction.padEnd(12, '0'));
  };
  const tokens = fc.record({ input: fc.nat(2_000_000), cached: fc.nat(2_000_000), output: fc.nat(200_000) });
  const toUsage = (t: { input: number; cached: number; output: number }) =>
    usage(t.input + t.cached, t.cached, t.output);
  fc.assert(
    fc.property(fc.constantFrom('gpt-5.2', 'gpt-4o', 'o4-mini'), tokens, tokens, (model, a, b) => {
      const both = { input: a.input + b.input, cached: a.cached + b.cached, output: a.output + b.output };
      assert.equal(
        picos(costUsd(model, toUsage(both))),
        picos(costUsd(model, toUsage(a))) + picos(costUsd(model, toUsage(b))),
      );
    }),
  );
});
