/** The catalogue and its rules: what may be chosen, what is used, what it costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCatalogue, modelKeys } from '../../../models/catalogue.ts';
import { DEFAULT_MODEL, MODELS } from '../../../models/models.ts';
import { loadConfig, catalogueOf, ConfigError } from '../../../runtime/config.ts';

const NONE = { openai: false, anthropic: false };
const OPENAI = { openai: true, anthropic: false };
const costUsd = (model: string, tokens: ReturnType<typeof usage>) =>
  createCatalogue(NONE).costUsd(model, tokens);
const usage = (input: number, cached: number, output: number) => ({
  input_tokens: input,
  cached_tokens: cached,
  output_tokens: output,
});

test('every model has an id and a label of its own and sound limits', () => {
  assert.equal(new Set(MODELS.map((model) => model.id)).size, MODELS.length);
  assert.equal(new Set(MODELS.map((model) => model.label)).size, MODELS.length);
  for (const model of MODELS) {
    assert.equal(createCatalogue(NONE).find(model.id), model);
    assert.ok(model.maxOutputTokens < model.contextTokens, model.id);
    for (const price of Object.values(model.price ?? {}))
      assert.match(price, /^\d+(\.\d{1,6})?$|^\d{4}-\d\d-\d\d$/);
  }
});

test('the options name the models, their providers, and which have a key', () => {
  const options = createCatalogue(OPENAI).listOptions();
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
  assert.equal(
    createCatalogue(NONE)
      .listOptions()
      .find((option) => option.value === 'demo')?.available,
    true,
  );
  assert.ok(
    createCatalogue(NONE)
      .listOptions()
      .every((option) => option.available === (option.value === 'demo')),
  );
  assert.equal(createCatalogue(NONE).effective(null), 'demo');
  for (const keys of [OPENAI, { openai: false, anthropic: true }]) {
    assert.ok(
      createCatalogue(keys)
        .listOptions()
        .every((option) => option.value !== 'demo'),
    );
    assert.equal(createCatalogue(keys).isAvailable('demo'), false);
    assert.equal(createCatalogue(keys).effective(null), 'gpt-5.2');
    assert.equal(createCatalogue(keys).effective('demo'), 'gpt-5.2');
  }
});

test('a choice is kept; one that is no model any more is not', () => {
  assert.equal(createCatalogue(OPENAI).effective('o3'), 'o3');
  assert.equal(createCatalogue(NONE).effective('o3'), 'o3');
  assert.equal(createCatalogue(OPENAI).effective('gone'), 'gpt-5.2');
  assert.equal(createCatalogue(OPENAI).isAvailable('gone'), false);
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

const added = (models: unknown, env: Record<string, string> = {}) =>
  loadConfig({ COPILOT_MODELS: JSON.stringify(models), ...env });

test('models of the environment get defaults that no server refuses', () => {
  const config = added([{ id: 'llama', base_url: 'http://localhost:11434/v1' }]);
  const catalogue = catalogueOf(config);
  const spec = catalogue.find('llama')!;
  assert.deepEqual(
    [spec.label, spec.provider, spec.api, spec.contextTokens, spec.price],
    ['llama', 'openai-compatible', 'chat', 32_768, null],
  );
  for (const key of ['temperature', 'parallelToolCalls', 'strictSchemas', 'reasoningItems'] as const)
    assert.equal(spec[key], false, key);
  // It needs no key of anyone, so it is what answers, and the demo is not wanted.
  assert.equal(catalogue.isAvailable('llama'), true);
  assert.equal(catalogue.defaultModel, 'llama');
  assert.equal(catalogue.isAvailable('demo'), false);
  assert.equal(
    catalogueOf({ ...config, openai: { ...config.openai, apiKey: 'k' } }).defaultModel,
    DEFAULT_MODEL,
  );
});

test('a model without a server of its own is one of OPENAI_BASE_URL', () => {
  assert.equal(catalogueOf(added([{ id: 'mine' }])).isAvailable('mine'), false);
  assert.equal(
    catalogueOf(added([{ id: 'mine' }], { OPENAI_BASE_URL: 'http://localhost:1/v1' })).isAvailable('mine'),
    true,
  );
});

test('what is said of a model of the environment holds', () => {
  const config = added(
    [
      {
        id: 'big',
        label: 'Big',
        base_url: 'https://gateway.example/v1',
        api_key_env: 'GATEWAY_KEY',
        api: 'responses',
        context_tokens: 100_000,
        max_output_tokens: 5_000,
        temperature: true,
        reasoning_effort: 'high',
        parallel_tool_calls: true,
        strict_schemas: true,
        price: { input: '0.5', output: '1.25', as_of: '2026-11-24' },
      },
    ],
    { GATEWAY_KEY: 'gw-key' },
  );
  const catalogue = catalogueOf(config);
  const { label, api, contextTokens, temperature, reasoningEffort, parallelToolCalls, strictSchemas } =
    catalogue.find('big')!;
  assert.deepEqual(
    { label, api, contextTokens, temperature, reasoningEffort, parallelToolCalls, strictSchemas },
    {
      label: 'Big',
      api: 'responses',
      contextTokens: 100_000,
      temperature: true,
      reasoningEffort: 'high',
      parallelToolCalls: true,
      strictSchemas: true,
    },
  );
  assert.deepEqual(config.addedModels[0]!.server, {
    baseUrl: 'https://gateway.example/v1',
    apiKey: 'gw-key',
  });
  // A price without one for cached tokens bills them as others.
  assert.equal(catalogue.costUsd('big', usage(2_000_000, 1_000_000, 1_000_000)), '2.25');
});

test('models that can not be used are named, with their fields and without their values', () => {
  const cases: [unknown, RegExp][] = [
    [{ id: 'x' }, /COPILOT_MODELS: /],
    [[{ label: 'no id' }], /COPILOT_MODELS: 0\.id/],
    [[{ id: 'gpt-4o' }], /0\.id: a model of that id exists/],
    [[{ id: 'demo' }], /0\.id: a model of that id exists/],
    [[{ id: 'a' }, { id: 'a' }], /1\.id: a model of that id exists/],
    [[{ id: 'a', temprature: true }], /temprature/],
    [[{ id: 'a', base_url: 'ftp://hunter2' }], /0\.base_url: write a URL/],
    [[{ id: 'a', api_key_env: 'KEY' }], /0\.api_key_env: needs a base_url/],
    [[{ id: 'a', api: 'responses' }], /0\.api: needs a base_url/],
    [[{ id: 'a', base_url: 'http://x/v1', api_key_env: 'NOT_SET' }], /0\.api_key_env: the variable/],
    [[{ id: 'a', context_tokens: 12.5 }], /0\.context_tokens/],
    [[{ id: 'a', price: { input: 'hunter2', output: '1', as_of: '2026-01-01' } }], /0\.price\.input/],
  ];
  for (const [models, expected] of cases) {
    assert.throws(
      () => added(models),
      (error) =>
        error instanceof ConfigError && expected.test(error.message) && !/hunter2/.test(error.message),
      JSON.stringify(models),
    );
  }
  assert.throws(() => loadConfig({ COPILOT_MODELS: '[{' }), /COPILOT_MODELS: is no valid JSON/);
});

test('a fallback model must be one that can answer; there is none unless it is named', () => {
  assert.equal(loadConfig({}).fallbackModel, null);
  assert.equal(
    loadConfig({ COPILOT_FALLBACK_MODEL: 'claude-haiku-4-5', ANTHROPIC_API_KEY: 'k' }).fallbackModel,
    'claude-haiku-4-5',
  );
  for (const env of [{ OPENAI_API_KEY: 'k' }, { ANTHROPIC_API_KEY: 'k' }])
    assert.throws(
      () =>
        loadConfig({ ...env, COPILOT_FALLBACK_MODEL: 'OPENAI_API_KEY' in env ? 'claude-haiku-4-5' : 'gone' }),
      /COPILOT_FALLBACK_MODEL: no model of that id is available/,
    );
});
