/**
 * The neutral model interface. Provider types stop at the adapters; everything else in the service speaks this.
 */
import type { JsonObject } from '../domain/text/json-value.ts';
import type { ErrorCode } from '../contracts/errors.ts';

/** Parts that a provider needs back on the next step (reasoning, signatures). Sent only to the model that wrote them. */
export interface OpaqueParts {
  provider: string;
  model: string;
  /** Provider-shaped items in their order. */
  items: unknown[];
}

export interface ModelToolCall {
  /** Unique within the turn. */
  callId: string;
  name: string;
  /** The raw text as the model wrote it. It may be invalid JSON. */
  arguments: string;
}

export type ModelMessage =
  | { role: 'user'; content: string }
  | { role: 'assistant'; content: string; toolCalls: ModelToolCall[]; opaque?: OpaqueParts | null }
  | { role: 'tool'; callId: string; content: string; isError: boolean };

export interface ModelTool {
  name: string;
  description: string;
  /** JSON Schema of the arguments; optional ones are not required. The adapters make the strict form of it. */
  parameters: JsonObject;
}

export interface ModelRequest {
  model: string;
  /** Our own text only: nothing from users, graphs, tables or logs. */
  system: string;
  messages: ModelMessage[];
  tools: ModelTool[];
  toolChoice: 'auto' | 'none';
  /** The number of messages, from the first on, that the session's next turn sends again: its history. */
  sharedMessages?: number;
  /** Equal for requests that share a beginning. Sent to providers that take a cache key. */
  cacheKey?: string;
  signal: AbortSignal;
}

export interface ModelUsage {
  inputTokens: number;
  cachedTokens: number;
  /** Input tokens that were written to the provider's cache. Set when they cost more than other input tokens. */
  cacheWriteTokens?: number;
  outputTokens: number;
  reasoningTokens: number;
}

export type FinishReason = 'stop' | 'tool_calls' | 'length' | 'refusal';

export type ModelEvent =
  | { type: 'text_delta'; delta: string }
  | { type: 'reasoning_delta'; delta: string }
  | { type: 'tool_call_started'; callId: string; name: string }
  | { type: 'tool_arguments_delta'; callId: string; delta: string }
  /** A complete call. Only these calls may be made, and only after `finish`. */
  | { type: 'tool_call'; call: ModelToolCall }
  | { type: 'usage'; usage: ModelUsage }
  /** The last event, exactly once. A stream that breaks off before the provider has ended it throws instead. */
  | { type: 'finish'; reason: FinishReason; opaque: OpaqueParts | null };

export interface ModelClient {
  /** Streams one model call. Throws ModelError, or the signal's reason when aborted. Never retries by itself. */
  stream(request: ModelRequest): AsyncIterable<ModelEvent>;
}

/** Thrown when a model call fails. The message is ours, safe to show a person; never the provider's raw body. */
export class ModelError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** The pause that the provider asks for (Retry-After), in milliseconds; null when it asks for none. */
  readonly retryAfterMs: number | null;
  readonly status: number | null;
  /** The tokens that the provider reported before the call failed; null without a report. */
  readonly usage: ModelUsage | null;

  constructor(
    message: string,
    facts: {
      code: ErrorCode;
      retryable: boolean;
      retryAfterMs?: number | null;
      status?: number | null;
      usage?: ModelUsage | null;
      cause?: unknown;
    },
  ) {
    super(message, { cause: facts.cause });
    this.name = 'ModelError';
    this.code = facts.code;
    this.retryable = facts.retryable;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.status = facts.status ?? null;
    this.usage = facts.usage ?? null;
  }
}
