/**
 * The models that the copilot may run on, as data, and the pure rules over them: which may be chosen, which is used,
 * what a call costs. Lives here because the API and the model layer both need it.
 */
import type { Usage } from './events.ts';

export type ModelProvider = 'openai' | 'anthropic' | 'demo';

export interface ModelSpec {
  id: string;
  label: string;
  provider: ModelProvider;
  contextTokens: number;
  maxOutputTokens: number;
  /** Whether temperature may be sent. */
  temperature: boolean;
  /** Whether the model keeps reasoning items that it wants back on the next step (encrypted, as nothing is stored). */
  reasoningItems: boolean;
  /** Whether parallel_tool_calls may be sent. */
  parallelToolCalls: boolean;
  /** US dollars per million tokens as decimal strings, and the day they were read; null: no price known. */
  price: { input: string; cachedInput: string; output: string; cacheWrite?: string; asOf: string } | null;
}

export const DEFAULT_MODEL = 'gpt-5.2';
export const DEMO_MODEL = 'demo';

const AS_OF = '2026-11-23';
const openai = (
  id: string,
  label: string,
  contextTokens: number,
  maxOutputTokens: number,
  price: [string, string, string],
  traits: Partial<Pick<ModelSpec, 'temperature' | 'reasoningItems' | 'parallelToolCalls'>>,
): ModelSpec => ({
  id,
  label,
  provider: 'openai',
  contextTokens,
  maxOutputTokens,
  temperature: true,
  reasoningItems: false,
  parallelToolCalls: true,
  price: { input: price[0], cachedInput: price[1], output: price[2], asOf: AS_OF },
  ...traits,
});
const anthropic = (
  id: string,
  label: string,
  contextTokens: number,
  maxOutputTokens: number,
  price: [string, string, string, string],
): ModelSpec => ({
  id,
  label,
  provider: 'anthropic',
  contextTokens,
  maxOutputTokens,
  temperature: false,
  reasoningItems: false,
  parallelToolCalls: false,
  price: { input: price[0], cachedInput: price[1], output: price[2], cacheWrite: price[3], asOf: AS_OF },
});
const REASONING = { temperature: false, reasoningItems: true, parallelToolCalls: false } as const;

export const MODELS: readonly ModelSpec[] = [
  // Temperature is taken while no reasoning effort is asked for, and none is.
  openai('gpt-5.2', 'GPT-5.2', 400_000, 128_000, ['1.75', '0.175', '14'], { reasoningItems: true }),
  openai('gpt-4.1', 'GPT-4.1', 1_047_576, 32_768, ['2', '0.5', '8'], {}),
  openai('gpt-4o', 'GPT-4o', 128_000, 16_384, ['2.5', '1.25', '10'], {}),
  openai('o3', 'o3', 200_000, 100_000, ['2', '0.5', '8'], REASONING),
  openai('o4-mini', 'o4-mini', 200_000, 100_000, ['1.1', '0.275', '4.4'], REASONING),
  anthropic('claude-opus-4-6', 'Claude Opus 4.6', 200_000, 64_000, ['5', '0.5', '25', '6.25']),
  anthropic('claude-sonnet-4-6', 'Claude Sonnet 4.6', 200_000, 64_000, ['3', '0.3', '15', '3.75']),
  anthropic('claude-haiku-4-5', 'Claude Haiku 4.5', 200_000, 64_000, ['1', '0.1', '5', '1.25']),
];

const DEMO: ModelSpec = {
  id: DEMO_MODEL,
  label: 'Demo (scripted, no key)',
  provider: 'demo',
  contextTokens: 1_000_000,
  maxOutputTokens: 16_000,
  temperature: false,
  reasoningItems: false,
  parallelToolCalls: false,
  price: null,
};

/** Which providers have a key, or a base URL that may need none. */
export interface ModelKeys {
  openai: boolean;
  anthropic: boolean;
}

export interface ModelOption {
  label: string;
  value: string;
  provider: ModelProvider;
  available: boolean;
}

/** The keys that a configuration gives. */
export function modelKeys(config: {
  openai: { apiKey: string | undefined; baseUrl: string | undefined };
  anthropic: { apiKey: string | undefined; baseUrl: string | undefined };
}): ModelKeys {
  const given = (side: { apiKey: string | undefined; baseUrl: string | undefined }): boolean =>
    side.apiKey !== undefined || side.baseUrl !== undefined;
  return { openai: given(config.openai), anthropic: given(config.anthropic) };
}

/** The model of that id, demo included; undefined for any other. */
export function findModel(id: string): ModelSpec | undefined {
  return id === DEMO_MODEL ? DEMO : MODELS.find((model) => model.id === id);
}

/** What a user may choose among. The demo is there only while no key is. */
export function listModelOptions(keys: ModelKeys): ModelOption[] {
  const offered = isDemo(keys) ? [...MODELS, DEMO] : MODELS;
  return offered.map(({ id, label, provider }) => ({
    label,
    value: id,
    provider,
    available: isModelAvailable(id, keys),
  }));
}

/** Whether a call to the model can be made with these keys. */
export function isModelAvailable(id: string, keys: ModelKeys): boolean {
  const model = findModel(id);
  if (!model) return false;
  return model.provider === 'demo' ? isDemo(keys) : keys[model.provider];
}

/**
 * The model of the next turn: the chosen one, else the default, else (without any key) the demo. A choice is kept
 * even when its key is gone: silently answering with another model would be worse than saying so.
 */
export function effectiveModel(chosen: string | null, keys: ModelKeys): string {
  if (chosen !== null && findModel(chosen) && (chosen !== DEMO_MODEL || isDemo(keys))) return chosen;
  return isDemo(keys) ? DEMO_MODEL : DEFAULT_MODEL;
}

function isDemo(keys: ModelKeys): boolean {
  return !keys.openai && !keys.anthropic;
}

const PRICE_DIGITS = 6;
const PER_TOKENS = 1_000_000n;

/** The exact cost in US dollars as a decimal string; null for a model without a price. */
export function costUsd(
  modelId: string,
  usage: Pick<Usage, 'input_tokens' | 'cached_tokens' | 'output_tokens'> & { cache_write_tokens?: number },
): string | null {
  const price = findModel(modelId)?.price;
  if (!price) return null;
  const written = usage.cache_write_tokens ?? 0;
  const fresh = BigInt(Math.max(0, usage.input_tokens - usage.cached_tokens - written));
  // In millionths of a dollar per million tokens: the product is exact in 10^-12 dollars.
  const total =
    fresh * toMicros(price.input) +
    BigInt(usage.cached_tokens) * toMicros(price.cachedInput) +
    BigInt(written) * toMicros(price.cacheWrite ?? price.input) +
    BigInt(usage.output_tokens) * toMicros(price.output);
  const scale = 10n ** BigInt(PRICE_DIGITS) * PER_TOKENS;
  const fraction = (total % scale).toString().padStart(12, '0').replace(/0+$/, '');
  return `${total / scale}${fraction === '' ? '' : `.${fraction}`}`;
}

function toMicros(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(PRICE_DIGITS, '0'));
}
