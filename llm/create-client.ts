/** The model client of a worker: routes each call to the adapter of its model's provider. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import type { Catalogue } from '../models/catalogue.ts';
import type { ModelApi } from '../models/models.ts';
import type { Config } from '../runtime/config.ts';
import { createAnthropicClient } from './adapters/anthropic.ts';
import { createDemoClient } from './adapters/demo.ts';
import { createChatClient } from './adapters/openai-chat.ts';
import { createResponsesClient } from './adapters/openai-responses.ts';
import { STREAM_LIMITS, type StreamLimits } from './adapters/watchdog.ts';
import { type ModelClient, ModelError } from './types.ts';

/** Servers behind a base URL often need no key, and the SDK insists on one. */
const PLACEHOLDER_KEY = 'not-needed';

/** Creates the client. Keys stay inside the SDK, each with its own server. */
export function createModelClient(
  config: Pick<Config, 'openai' | 'anthropic' | 'addedModels' | 'demoCharsPerSecond'>,
  catalogue: Catalogue,
  limits: StreamLimits = STREAM_LIMITS,
): ModelClient {
  const demo = createDemoClient({ charsPerSecond: config.demoCharsPerSecond });
  const openai = hasServer(config.openai) ? createOpenAI(config.openai, catalogue, limits) : null;
  const anthropic = hasServer(config.anthropic) ? createAnthropic(config.anthropic, catalogue, limits) : null;
  const own = new Map(
    config.addedModels.flatMap(({ spec, server }) =>
      server ? [[spec.id, createOpenAI({ ...server, api: spec.api }, catalogue, limits)]] : [],
    ),
  );
  const shared = { demo, anthropic, openai, 'openai-compatible': openai };
  return {
    stream(request) {
      const spec = catalogue.find(request.model);
      const client = own.get(request.model) ?? (spec && shared[spec.provider]);
      if (client) return client.stream(request);
      throw new ModelError(
        `No connection is configured for the model ${request.model}. Choose another one in the settings.`,
        { code: 'model_unavailable', retryable: false },
      );
    },
  };
}

interface Server {
  apiKey: string | undefined;
  baseUrl: string | undefined;
}

function hasServer({ apiKey, baseUrl }: Server): boolean {
  return apiKey !== undefined || baseUrl !== undefined;
}

function createOpenAI(
  server: Server & { api: ModelApi },
  catalogue: Catalogue,
  limits: StreamLimits,
): ModelClient {
  const client = new OpenAI({
    apiKey: server.apiKey ?? PLACEHOLDER_KEY,
    ...(server.baseUrl === undefined ? {} : { baseURL: server.baseUrl }),
    // Temporal owns retries, and the SDK's environment variables are not ours.
    maxRetries: 0,
    timeout: 60_000,
    organization: null,
    project: null,
    logLevel: 'off',
  });
  // OpenAI's own servers route by the cache key; others may refuse what they do not know.
  const sendsCacheKey = server.baseUrl === undefined;
  return server.api === 'chat'
    ? createChatClient(client, { catalogue, limits, sendsCacheKey })
    : createResponsesClient(client, { catalogue, limits, sendsCacheKey });
}

function createAnthropic(server: Server, catalogue: Catalogue, limits: StreamLimits): ModelClient {
  const client = new Anthropic({
    apiKey: server.apiKey ?? PLACEHOLDER_KEY,
    // Undefined would be looked up in the environment, which is not ours to read here.
    authToken: null,
    baseURL: server.baseUrl ?? null,
    maxRetries: 0,
    timeout: 60_000,
    logLevel: 'off',
  });
  return createAnthropicClient(client, { catalogue, limits });
}
