/** Turns errors that the Anthropic SDK throws into ModelErrors. */
import { AnthropicError, APIConnectionError, APIError } from '@anthropic-ai/sdk';
import { failure, fromFault, fromThrown, text } from './provider-errors.ts';
import { ModelError, type ModelUsage } from '../types.ts';

/** Errors that only their message tells apart. The message is matched here and never shown. */
const TOO_LONG = /prompt is too long|exceeds? the (?:context|maximum)|input length and .max_tokens. exceed/i;
const NO_CREDIT = /credit balance is too low/i;

/** The ModelError for a thrown value. After an abort, the signal's reason is returned unchanged. */
export function toAnthropicError(
  error: unknown,
  signal: AbortSignal,
  usage: ModelUsage | null = null,
): unknown {
  if (error instanceof ModelError) return error;
  if (signal.aborted) return signal.reason;
  if (error instanceof APIConnectionError) return failure('connectionLost', { cause: error, usage });
  if (error instanceof APIError) {
    const body = (error.error ?? {}) as {
      type?: unknown;
      error?: { type?: unknown; message?: unknown; details?: { error_code?: unknown } };
    };
    const said = text(body.error?.message) ?? error.message;
    const type = text(body.error?.type) ?? text(error.type) ?? text(body.type);
    const code = TOO_LONG.test(said)
      ? 'context_length_exceeded'
      : NO_CREDIT.test(said)
        ? 'insufficient_quota'
        : text(body.error?.details?.error_code);
    return fromFault(
      { status: error.status ?? null, code, type, headers: error.headers, cause: error },
      usage,
    );
  }
  if (error instanceof AnthropicError) return failure('connectionLost', { cause: error, usage });
  return fromThrown(error, usage);
}
