/** What a run compares: models, or the recorded answers, each with one or several versions of the prompt. */
import { FriendlyError } from '../runtime/friendly-error.ts';
import { catalogueOf, loadConfig } from '../runtime/config.ts';

export interface Variant {
  name: string;
  /** The model of all turns; null for the recorded answers. */
  model: string | null;
  /** Settings of the service: keys and servers of models, the version of the prompt. */
  env: Environment;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Nothing but models is taken from the environment: the run has servers and settings of its own. */
const NOT_TAKEN = /^(?:COPILOT_(?!MODELS$)|TEMPORAL_|DATABASE_URL$|JWT_SECRET$|HOST$|PORT$|LOG_LEVEL$)/;

/** Chooses the models. Throws FriendlyError for a model that can't be called, ConfigError for an unknown prompt. */
export function chooseVariants(
  wanted: { models: readonly string[]; prompts: readonly string[]; recorded: boolean },
  environment: Environment,
): Variant[] {
  const env = Object.fromEntries(Object.entries(environment).filter(([key]) => !NOT_TAKEN.test(key)));
  const models = chooseModels(wanted, env);
  const prompts = wanted.prompts.length > 0 ? wanted.prompts : [null];
  return models.flatMap((model) =>
    prompts.map((prompt): Variant => {
      const name = model ?? 'recorded answers';
      // The recorded answers must not reach a real server.
      const own = model === null ? {} : env;
      if (prompt === null) return { name, model, env: own };
      const withPrompt = { ...own, COPILOT_PROMPT_VERSION: prompt };
      loadConfig(withPrompt);
      return { name: `${name}, prompt ${prompt}`, model, env: withPrompt };
    }),
  );
}

function chooseModels(
  { models, recorded }: { models: readonly string[]; recorded: boolean },
  env: Environment,
): (string | null)[] {
  const catalogue = catalogueOf(loadConfig(env));
  const available = catalogue
    .listOptions()
    .filter((option) => option.available && option.provider !== 'demo');
  if (recorded || (models.length === 0 && available.length === 0)) return [null];
  for (const model of models) {
    const spec = catalogue.find(model);
    if (!spec)
      throw new FriendlyError(
        `There is no model ${model}. The models are: ${catalogue.models.map(({ id }) => id).join(', ')}. COPILOT_MODELS adds others.`,
      );
    if (!available.some(({ value }) => value === model))
      throw new FriendlyError(
        `The model ${model} has no key: set ${spec.provider === 'anthropic' ? 'ANTHROPIC_API_KEY' : 'OPENAI_API_KEY'}. Without --model, and without any key, the eval runs on its recorded answers.`,
      );
  }
  return models.length > 0 ? [...models] : [firstOf(available, catalogue.defaultModel)];
}

/** The default model if it can be called, otherwise the first one that can. */
function firstOf(available: readonly { value: string }[], standard: string): string {
  return available.some(({ value }) => value === standard) ? standard : available[0]!.value;
}
