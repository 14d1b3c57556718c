/**
 * The models of one deployment, and the pure rules over them: which may be chosen and which is used. The API and the
 * model layer both need it.
 */
import { type BilledTokens, costOf } from './cost.ts';
import { DEFAULT_MODEL, DEMO, DEMO_MODEL, type ModelProvider, MODELS, type ModelSpec } from './models.ts';

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
