/**
 * The models of a deployment: which ones a user may choose, which one a turn uses, and what a call costs. The API and the
 * worker both use it.
 */
import { type BilledTokens, costOf } from './cost.ts';
import { DEFAULT_MODEL, DEMO, DEMO_MODEL, type ModelProvider, MODELS, type ModelSpec } from './models.ts';

/** A model of COPILOT_MODELS, and its server. `server` is null for a model of OPENAI_BASE_URL. */
export interface AddedModel {
  spec: ModelSpec;
  server: { baseUrl: string; apiKey: string | undefined } | null;
}

/** Which providers can be called: those with a key, or with a base URL, which may need no key. */
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

/** The models of a deployment. */
export interface Catalogue {
  /** All models except the demo. */
  models: readonly ModelSpec[];
  /** The model with this id, the demo included; undefined for an unknown id. */
  find(id: string): ModelSpec | undefined;
  /** The models that a user may choose. The demo is listed only when it is the default. */
  listOptions(): ModelOption[];
  /** Whether the model can be called: it is known and its provider has a key or a base URL. */
  isAvailable(id: string): boolean;
  /** The model of a turn when the project has set none. */
  defaultModel: string;
  /**
   * The model of the next turn: `chosen`, else the default. A known model stays chosen when its key is missing. The turn
   * then fails with a clear error, which is better than an answer of another model.
   */
  effective(chosen: string | null): string;
  /** The exact cost in US dollars as a decimal string; null for a model without a price. */
  costUsd(modelId: string, usage: BilledTokens): string | null;
}

/** Which providers a configuration can call. */
export function modelKeys(config: {
  openai: { apiKey: string | undefined; baseUrl: string | undefined };
  anthropic: { apiKey: string | undefined; baseUrl: string | undefined };
}): ModelKeys {
  const given = (side: { apiKey: string | undefined; baseUrl: string | undefined }): boolean =>
    side.apiKey !== undefined || side.baseUrl !== undefined;
  return { openai: given(config.openai), anthropic: given(config.anthropic) };
}

/** Creates the catalogue of a deployment: the built-in models and those of COPILOT_MODELS. */
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
