/** Which models a run compares: those that were named, the default one, or the recorded answers. */
import { FriendlyError } from '../runtime/friendly-error.ts';
import { catalogueOf, loadConfig } from '../runtime/config.ts';
import type { ModelChoice } from './run-cases.ts';

export interface Variant {
  name: string;
  model: ModelChoice;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Nothing but models is taken from the environment: the run has servers and settings of its own. */
const NOT_TAKEN = /^(?:COPILOT_(?!MODELS$)|TEMPORAL_|DATABASE_URL$|JWT_SECRET$|HOST$|PORT$|LOG_LEVEL$)/;

/** Chooses the models. Throws FriendlyError for a model that can't be called. */
export function chooseModels(
  { models, recorded }: { models: readonly string[]; recorded: boolean },
  environment: Environment,
): Variant[] {
  const env = Object.fromEntries(Object.entries(environment).filter(([key]) => !NOT_TAKEN.test(key)));
  const catalogue = catalogueOf(loadConfig(env));
  const available = catalogue
    .listOptions()
    .filter((option) => option.available && option.provider !== 'demo');
  if (recorded || (models.length === 0 && available.length === 0))
    return [{ name: 'recorded answers', model: { kind: 'recorded' } }];
  const wanted = models.length > 0 ? models : [firstOf(available, catalogue.defaultModel)];
  return wanted.map((model) => {
    const spec = catalogue.find(model);
    if (!spec)
      throw new FriendlyError(
        `There is no model ${model}. The models are: ${catalogue.models.map(({ id }) => id).join(', ')}. COPILOT_MODELS adds others.`,
      );
    if (!available.some(({ value }) => value === model))
      throw new FriendlyError(
        `The model ${model} has no key: set ${spec.provider === 'anthropic' ? 'ANTHROPIC_API_KEY' : 'OPENAI_API_KEY'}. Without --model, and without any key, the eval runs on its recorded answers.`,
      );
    return { name: model, model: { kind: 'real', model, env } };
  });
}

/** The default model if it can be called, otherwise the first one that can. */
function firstOf(available: readonly { value: string }[], standard: string): string {
  return available.some(({ value }) => value === standard) ? standard : available[0]!.value;
}
