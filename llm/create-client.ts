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

/** Sent when a server behind a base URL needs no key: the SDK insists on one. */
const PLACEHOLDER_KEY = 'not-needed';

/** Creates the client. Each key stays inside the SDK client of its own server. */
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
    // Temporal retries calls. The nulls keep the SDK from reading its own environment variables.
    maxRetries: 0,
    timeout: 60_000,
    organization: null,
    project: null,
    logLevel: 'off',
  });
  // OpenAI's own servers route by the cache key. Other servers may refuse an unknown parameter.
  const sendsCacheKey = server.baseUrl === undefined;
  return server.api === 'chat'
    ? createChatClient(client, { catalogue, limits, sendsCacheKey })
    : createResponsesClient(client, { catalogue, limits, sendsCacheKey });
}

function createAnthropic(server: Server, catalogue: Catalogue, limits: StreamLimits): ModelClient {
  const client = new Anthropic({
    apiKey: server.apiKey ?? PLACEHOLDER_KEY,
    // For undefined, the SDK would read its own environment variables.
    authToken: null,
    baseURL: server.baseUrl ?? null,
    maxRetries: 0,
    timeout: 60_000,
    logLevel: 'off',
  });
  return createAnthropicClient(client, { catalogue, limits });
}
