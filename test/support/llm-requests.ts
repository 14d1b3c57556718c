/** Requests, clients and readers for the tests of llm/. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { createCatalogue } from '../../models/catalogue.ts';
import { createAnthropicClient } from '../../llm/adapters/anthropic.ts';
import { createChatClient } from '../../llm/adapters/openai-chat.ts';
import { createResponsesClient } from '../../llm/adapters/openai-responses.ts';
import { type ModelClient, ModelError, type ModelEvent, type ModelRequest } from '../../llm/types.ts';
import { STREAM_LIMITS, type StreamLimits } from '../../llm/adapters/watchdog.ts';

const CATALOGUE = createCatalogue({ openai: true, anthropic: true });

export const TEST_KEY = 'sk-test-marked-key-0123456789';

export type ApiName = 'responses' | 'chat' | 'messages';

/** A client of one adapter, for a local server. */
export function clientOf(api: ApiName, baseURL: string, limits: StreamLimits = STREAM_LIMITS): ModelClient {
  if (api === 'messages') {
    const root = baseURL.replace(/\/v1$/, '');
    const anthropic = new Anthropic({
      apiKey: TEST_KEY,
      authToken: null,
      baseURL: root,
      maxRetries: 0,
      logLevel: 'off',
    });
    return createAnthropicClient(anthropic, { catalogue: CATALOGUE, limits });
  }
  const openai = new OpenAI({ apiKey: TEST_KEY, baseURL, maxRetries: 0, logLevel: 'off' });
  const options = { catalogue: CATALOGUE, limits, sendsCacheKey: true };
  return api === 'chat' ? createChatClient(openai, options) : createResponsesClient(openai, options);
}

/** A model request. By default it has one user message. */
export function modelRequest(overrides: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'gpt-5.2',
    system: 'You are a test.',
    messages: [{ role: 'user', content: 'Hello' }],
    tools: [],
    toolChoice: 'auto',
    signal: new AbortController().signal,
    ...overrides,
  };
}

/** All events of a call. */
export async function collect(client: ModelClient, request: ModelRequest): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of client.stream(request)) events.push(event);
  return events;
}

/** Returns the ModelError that a call fails with. Throws when the call ends in another way. */
export async function failureOf(client: ModelClient, request: ModelRequest): Promise<ModelError> {
  try {
    await collect(client, request);
  } catch (error: unknown) {
    if (error instanceof ModelError) return error;
    throw new Error('expected a ModelError', { cause: error });
  }
  throw new Error('expected a ModelError, but the call went well');
}

/** The text of an answer. */
export function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === 'text_delta' ? event.delta : '')).join('');
}

/** The complete tool calls of an answer. */
export function callsOf(events: readonly ModelEvent[]) {
  return events.flatMap((event) => (event.type === 'tool_call' ? [event.call] : []));
}
