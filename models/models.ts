/** The built-in models of the copilot, as data. */

export type ModelProvider = 'openai' | 'anthropic' | 'openai-compatible' | 'demo';

/** The API of a model: OpenAI's Responses or Chat Completions, Anthropic's Messages, or the script of the demo. */
export type ModelApi = 'responses' | 'chat' | 'messages' | 'script';

export interface ModelSpec {
  id: string;
  label: string;
  provider: ModelProvider;
  /** The API that the provider recommends. OPENAI_API and OPENAI_BASE_URL may select OpenAI's other API. */
  api: ModelApi;
  contextTokens: number;
  maxOutputTokens: number;
  /** Whether temperature may be sent. */
  temperature: boolean;
  /** The reasoning efforts that may be sent. Empty when the model refuses the parameter. */
  reasoningEfforts: readonly string[];
  /** The effort to send. Null sends none, and the model's default holds. */
  reasoningEffort: string | null;
  /** Whether the model returns reasoning items (encrypted) that the next step must send back. */
  reasoningItems: boolean;
  /** Whether the model may send nothing for longer than PROVIDER.idleMs while it thinks. */
  reasonsSilently: boolean;
  /** Whether parallel_tool_calls may be sent. */
  parallelToolCalls: boolean;
  /** Whether `strict` may be sent with a tool. */
  strictSchemas: boolean;
  /** How the provider's prompt cache is used: by prompt_cache_key, by cache_control marks, or not at all. */
  promptCaching: 'key' | 'marks' | 'none';
  /** The published encoding that counts tokens. Null when there is none; then tokens are estimated. */
  encoding: 'o200k_base' | null;
  /** US dollars per million tokens as decimal strings, and the day of the price list. Null when the price is unknown. */
  price: { input: string; cachedInput: string; output: string; cacheWrite?: string; asOf: string } | null;
}

export const DEFAULT_MODEL = 'gpt-5.2';
export const DEMO_MODEL = 'demo';

/** The traits of an unknown model: no parameter is sent that a server may refuse. */
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

/** The day on which all prices below were read. */
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

/** The models that every deployment knows. */
export const MODELS: readonly ModelSpec[] = [
  // The default effort is none. The model accepts temperature only with that effort.
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

/** Defaults for a model of COPILOT_MODELS. */
export const COMPATIBLE_DEFAULTS = {
  ...BARE,
  provider: 'openai-compatible',
  api: 'chat',
  contextTokens: 32_768,
  maxOutputTokens: 4_096,
  price: null,
} as const satisfies Partial<ModelSpec>;

/** The scripted model. It is available only when no provider and no server is configured. */
export const DEMO: ModelSpec = {
  ...BARE,
  id: DEMO_MODEL,
  label: 'Demo (scripted, no key)',
  provider: 'demo',
  api: 'script',
  contextTokens: 1_000_000,
  maxOutputTokens: 16_000,
  price: null,
};
