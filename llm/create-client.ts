/** The model client of a worker: routes each call to the adapter of its model's provider. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { findModel } from '../contracts/models.ts';
import type { Config } from '../runtime/config.ts';
import { createAnthropicClient } from './anthropic.ts';
import { createDemoClient } from './demo.ts';
import { createChatClient } from './openai-chat.ts';
import { createResponsesClient } from './openai-responses.ts';
import { type ModelClient, ModelError } from './types.ts';

/** Servers behind a base URL often need no key, and the SDK insists on one. */
const PLACEHOLDER_KEY = 'not-needed';

/** Creates the client. Keys stay inside the SDK; a call to a model without one fails as model_auth. */
export function createModelClient(
  config: Pick<Config, 'openai' | 'anthropic' | 'demoCharsPerSecond'>,
): ModelClient {
  const demo = createDemoClient({ charsPerSecond: config.demoCharsPerSecond });
  const openai = createOpenAI(config.openai);
  const anthropic = createAnthropic(config.anthropic);
  return {
    stream(request) {
      const provider = findModel(request.model)?.provider;
      if (provider === 'demo') return demo.stream(request);
      if (provider === 'openai' && openai) {
        // OpenAI's own servers route by the key; others may refuse what they do not know.
        const { cacheKey: _, ...plain } = request;
        return openai.stream(config.openai.baseUrl === undefined ? request : plain);
      }
      if (provider === 'anthropic' && anthropic) return anthropic.stream(request);
      throw new ModelError(
        `No connection is configured for the model ${request.model}. Choose another one in the settings.`,
        {
          code: 'model_unavailable',
          retryable: false,
        },
      );
    },
  };
}

function createOpenAI(config: Config['openai']): ModelClient | null {
  if (config.apiKey === undefined && config.baseUrl === undefined) return null;
  const client = new OpenAI({
    apiKey: config.apiKey ?? PLACEHOLDER_KEY,
    ...(config.baseUrl === undefined ? {} : { baseURL: config.baseUrl }),
    // Temporal owns retries, and the SDK's environment variables are not ours.
    maxRetries: 0,
    timeout: 60_000,
    organization: null,
    project: null,
    logLevel: 'off',
  });
  return config.api === 'chat' ? createChatClient(client) : createResponsesClient(client);
}

function createAnthropic(config: Config['anthropic']): ModelClient | null {
  if (config.apiKey === undefined && config.baseUrl === undefined) return null;
  const client = new Anthropic({
    apiKey: config.apiKey ?? PLACEHOLDER_KEY,
    // Undefined would be looked up in the environment, which is not ours to read here.
    authToken: null,
    baseURL: config.baseUrl ?? null,
    maxRetries: 0,
    timeout: 60_000,
    logLevel: 'off',
  });
  return createAnthropicClient(client);
}
