/**
 * The models that the copilot may run on, as data, and the pure rules over them: which may be chosen, which is used,
 * what a call costs. Lives here because the API and the model layer both need it.
 */
import type { Usage } from '../contracts/events.ts';

export type ModelProvider = 'openai' | 'anthropic' | 'openai-compatible' | 'demo';

/** How a model is spoken to: OpenAI's two APIs, Anthropic's Messages, or our own script. */
export type ModelApi = 'responses' | 'chat' | 'messages' | 'script';

export interface ModelSpec {
  id: string;
  label: string;
  provider: ModelProvider;
  /** Its makers' advice. OPENAI_API and OPENAI_BASE_URL may choose the other one of OpenAI's. */
  api: ModelApi;
  contextTokens: number;
  maxOutputTokens: number;
  /** Whether temperature may be sent. */
  temperature: boolean;
  /** The reasoning efforts that may be sent; empty: the parameter is refused. */
  reasoningEfforts: readonly string[];
  /** The effort that is sent; null: none, and the model's own default holds. */
  reasoningEffort: string | null;
  /** Whether the model keeps reasoning items that it wants back on the next step (encrypted, as nothing is stored). */
  reasoningItems: boolean;
  /** Whether the model thinks without sending a byte, for longer than others may be silent. */
  reasonsSilently: boolean;
  /** Whether parallel_tool_calls may be sent. */
  parallelToolCalls: boolean;
  /** Whether `strict` may be sent with a tool. */
  strictSchemas: boolean;
  /** What the provider takes for its cache: prompt_cache_key, cache_control marks, or nothing. */
  promptCaching: 'key' | 'marks' | 'none';
  /** The published encoding that its tokens are counted with; null: none, they are estimated. */
  encoding: 'o200k_base' | null;
  /** US dollars per million tokens as decimal strings, and the day they were read; null: no price known. */
  price: { input: string; cachedInput: string; output: string; cacheWrite?: string; asOf: string } | null;
}

export const DEFAULT_MODEL = 'gpt-5.2';
export const DEMO_MODEL = 'demo';

/** What is known of no model: nothing is sent that a server may refuse. */
const BARE = {
  temperature: false,
  reasoningEfforts: [],
  reasoningEffort: null,
  reasoningItems: false,
  reasonsSilently: false,
  parallelToolCalls: false,
  strictSchemas: false,
  promptCaching: 'none',
  encoding: null,
} as const satisfies Partial<ModelSpec>;

const AS_OF = '2026-11-23';
const openai = (
  id: string,
  label: string,
  contextTokens: number,
  maxOutputTokens: number,
  price: [string, string, string],
  traits: Partial<ModelSpec>,
): ModelSpec => ({
  ...BARE,
  id,
  label,
  provider: 'openai',
  api: 'responses',
  contextTokens,
  maxOutputTokens,
  temperature: true,
  parallelToolCalls: true,
  strictSchemas: true,
  promptCaching: 'key',
  encoding: 'o200k_base',
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
  ...BARE,
  id,
  label,
  provider: 'anthropic',
  api: 'messages',
  contextTokens,
  maxOutputTokens,
  promptCaching: 'marks',
  price: { input: price[0], cachedInput: price[1], output: price[2], cacheWrite: price[3], asOf: AS_OF },
});
const REASONING: Partial<ModelSpec> = {
  temperature: false,
  reasoningEfforts: ['low', 'medium', 'high'],
  reasoningItems: true,
  reasonsSilently: true,
  parallelToolCalls: false,
};

export const MODELS: readonly ModelSpec[] = [
  // Its default effort is none, and only with that temperature is taken.
  openai('gpt-5.2', 'GPT-5.2', 400_000, 128_000, ['1.75', '0.175', '14'], {
    reasoningEfforts: ['none', 'low', 'medium', 'high', 'xhigh'],
    reasoningItems: true,
  }),
  openai('gpt-4.1', 'GPT-4.1', 1_047_576, 32_768, ['2', '0.5', '8'], {}),
  openai('gpt-4o', 'GPT-4o', 128_000, 16_384, ['2.5', '1.25', '10'], {}),
  openai('o3', 'o3', 200_000, 100_000, ['2', '0.5', '8'], REASONING),
  openai('o4-mini', 'o4-mini', 200_000, 100_000, ['1.1', '0.275', '4.4'], REASONING),
  anthropic('claude-opus-4-6', 'Claude Opus 4.6', 200_000, 64_000, ['5', '0.5', '25', '6.25']),
  anthropic('claude-sonnet-4-6', 'Claude Sonnet 4.6', 200_000, 64_000, ['3', '0.3', '15', '3.75']),
  anthropic('claude-haiku-4-5', 'Claude Haiku 4.5', 200_000, 64_000, ['1', '0.1', '5', '1.25']),
];

/** A model of some server that speaks Chat Completions. */
export const COMPATIBLE_DEFAULTS = {
  ...BARE,
  provider: 'openai-compatible',
  api: 'chat',
  contextTokens: 32_768,
  maxOutputTokens: 4_096,
  price: null,
} as const satisfies Partial<ModelSpec>;

const DEMO: ModelSpec = {
  ...BARE,
  id: DEMO_MODEL,
  label: 'Demo (scripted, no key)',
  provider: 'demo',
  api: 'script',
  contextTokens: 1_000_000,
  maxOutputTokens: 16_000,
  price: null,
};

/** A model of the environment: what it is, and the server that has it; null: the one of OPENAI_BASE_URL. */
export interface AddedModel {
  spec: ModelSpec;
  server: { baseUrl: string; apiKey: string | undefined } | null;
}

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

/** The models of one deployment. */
export interface Catalogue {
  /** All but the demo. */
  models: readonly ModelSpec[];
  /** The model of that id, demo included; undefined for any other. */
  find(id: string): ModelSpec | undefined;
  /** What a user may choose among. The demo is there only while nothing else is. */
  listOptions(): ModelOption[];
  /** Whether a call to the model can be made. */
  isAvailable(id: string): boolean;
  /** What answers when nobody has chosen. */
  defaultModel: string;
  /**
   * The model of the next turn: the chosen one, else the default. A choice is kept even when its key is gone: silently
   * answering with another model would be worse than saying so.
   */
  effective(chosen: string | null): string;
  /** The exact cost in US dollars as a decimal string; null for a model without a price. */
  costUsd(modelId: string, usage: BilledTokens): string | null;
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

/** The catalogue of a deployment with these keys and these models of its own. */
export function createCatalogue(keys: ModelKeys, added: readonly AddedModel[] = []): Catalogue {
  const models = [...MODELS, ...added.map(({ spec }) => spec)];
  const byId = new Map([...models, DEMO].map((model) => [model.id, model]));
  const withServer = added.flatMap(({ spec, server }) => (server ? [spec.id] : []));
  const isKeyless = !keys.openai && !keys.anthropic;
  const defaultModel = isKeyless ? (withServer[0] ?? DEMO_MODEL) : DEFAULT_MODEL;
  const isDemo = defaultModel === DEMO_MODEL;
  const isAvailable = (id: string): boolean => {
    const provider = byId.get(id)?.provider;
    if (provider === undefined) return false;
    if (provider === 'demo') return isDemo;
    if (provider === 'anthropic') return keys.anthropic;
    return keys.openai || withServer.includes(id);
  };
  return {
    models,
    find: (id) => byId.get(id),
    listOptions: () =>
      [...models, ...(isDemo ? [DEMO] : [])].map(({ id, label, provider }) => ({
        label,
        value: id,
        provider,
        available: isAvailable(id),
      })),
    isAvailable,
    defaultModel,
    effective: (chosen) =>
      chosen !== null && byId.has(chosen) && (chosen !== DEMO_MODEL || isDemo) ? chosen : defaultModel,
    costUsd: (modelId, usage) => costOf(byId.get(modelId)?.price ?? null, usage),
  };
}

const PRICE_DIGITS = 6;
const PER_TOKENS = 1_000_000n;

export type BilledTokens = Pick<Usage, 'input_tokens' | 'cached_tokens' | 'output_tokens'> & {
  cache_write_tokens?: number;
};

function costOf(price: ModelSpec['price'], usage: BilledTokens): string | null {
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
