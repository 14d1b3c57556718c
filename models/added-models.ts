/** Parses COPILOT_MODELS: models of OpenAI-compatible servers, as JSON. Missing fields get defaults that servers accept. */
import { z } from 'zod';
import type { AddedModel } from './catalogue.ts';
import { COMPATIBLE_DEFAULTS, DEMO_MODEL, MODELS } from './models.ts';
import { apiKey, url } from './env-schemas.ts';

const decimal = z.string().regex(/^\d{1,6}(\.\d{1,6})?$/, 'write dollars per million tokens, such as "0.25"');
const tokens = z.int().min(1_000).max(100_000_000);

const entry = z.strictObject({
  id: z.string().trim().min(1).max(200),
  label: z.string().trim().min(1).max(200).optional(),
  base_url: url(['http:', 'https:']).optional(),
  /** The name of the environment variable with the key, so that the JSON itself holds no key. */
  api_key_env: z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]*$/i, 'write the name of an environment variable')
    .optional(),
  api: z.enum(['chat', 'responses']).optional(),
  context_tokens: tokens.optional(),
  max_output_tokens: tokens.optional(),
  temperature: z.boolean().optional(),
  reasoning_effort: z.string().min(1).max(20).optional(),
  parallel_tool_calls: z.boolean().optional(),
  strict_schemas: z.boolean().optional(),
  price: z
    .strictObject({
      input: decimal,
      cached_input: decimal.optional(),
      output: decimal,
      as_of: z.iso.date(),
    })
    .optional(),
});

/** Parses the variable's text. Throws an Error that names each invalid entry and field, without the values. */
export function parseAddedModels(text: string, env: Record<string, string | undefined>): AddedModel[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error('is no valid JSON');
  }
  const parsed = z.array(entry).max(100).safeParse(json);
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues
        .map(({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`)
        .join('; '),
    );
  }
  const taken = new Set([DEMO_MODEL, ...MODELS.map(({ id }) => id)]);
  return parsed.data.map((model, index) => {
    if (taken.has(model.id)) throw new Error(`${index}.id: a model of that id exists already`);
    taken.add(model.id);
    return { spec: toSpec(model), server: toServer(model, index, env) };
  });
}

function toSpec(model: z.output<typeof entry>): AddedModel['spec'] {
  const effort = model.reasoning_effort ?? null;
  return {
    ...COMPATIBLE_DEFAULTS,
    id: model.id,
    label: model.label ?? model.id,
    api: model.api ?? COMPATIBLE_DEFAULTS.api,
    contextTokens: model.context_tokens ?? COMPATIBLE_DEFAULTS.contextTokens,
    maxOutputTokens: model.max_output_tokens ?? COMPATIBLE_DEFAULTS.maxOutputTokens,
    temperature: model.temperature ?? COMPATIBLE_DEFAULTS.temperature,
    reasoningEfforts: effort === null ? [] : [effort],
    reasoningEffort: effort,
    parallelToolCalls: model.parallel_tool_calls ?? COMPATIBLE_DEFAULTS.parallelToolCalls,
    strictSchemas: model.strict_schemas ?? COMPATIBLE_DEFAULTS.strictSchemas,
    price: model.price
      ? {
          input: model.price.input,
          cachedInput: model.price.cached_input ?? model.price.input,
          output: model.price.output,
          asOf: model.price.as_of,
        }
      : null,
  };
}

/** The entry's own server and key, or null for OPENAI_BASE_URL. OPENAI_API_KEY is never sent to an entry's own server. */
function toServer(
  model: z.output<typeof entry>,
  index: number,
  env: Record<string, string | undefined>,
): AddedModel['server'] {
  if (model.base_url === undefined) {
    if (model.api_key_env !== undefined)
      throw new Error(`${index}.api_key_env: needs a base_url in the same entry`);
    if (model.api !== undefined)
      throw new Error(
        `${index}.api: needs a base_url in the same entry; OPENAI_API sets the API of all others`,
      );
    return null;
  }
  if (model.api_key_env === undefined) return { baseUrl: model.base_url, apiKey: undefined };
  const key = apiKey.safeParse(env[model.api_key_env]);
  if (!key.success)
    throw new Error(`${index}.api_key_env: the variable that it names is not set or holds no key`);
  return { baseUrl: model.base_url, apiKey: key.data };
}
