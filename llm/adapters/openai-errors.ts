/** Turns errors that the OpenAI SDK throws, and error events of its streams, into ModelErrors. */
import { APIConnectionError, APIError, OpenAIError } from 'openai';
import { failure, fromFault, fromThrown, text, toStatus } from './provider-errors.ts';
import { ModelError, type ModelUsage } from '../types.ts';

/** The ModelError for a thrown value. After an abort, the signal's reason is returned unchanged. */
export function toModelError(error: unknown, signal: AbortSignal, usage: ModelUsage | null = null): unknown {
  if (error instanceof ModelError) return error;
  if (signal.aborted) return signal.reason;
  if (error instanceof APIConnectionError) return failure('connectionLost', { cause: error, usage });
  if (error instanceof APIError) {
    const { status, code, type } = detailsOf(error);
    return fromFault({ status, code, type, headers: error.headers, cause: error }, usage);
  }
  if (error instanceof OpenAIError) return failure('connectionLost', { cause: error, usage });
  return fromThrown(error, usage);
}

/** The ModelError for an `error` event or a failed response in a stream. */
export function toStreamError(
  fault: { code?: unknown; type?: unknown },
  usage: ModelUsage | null = null,
): ModelError {
  return fromFault({ status: toStatus(fault.code), code: text(fault.code), type: text(fault.type) }, usage);
}

/** The details of an error. Errors in a stream nest them in a second `error`; gateways put the HTTP status into `code`. */
function detailsOf(error: APIError): { status: number | null; code: string | null; type: string | null } {
  const body = (error.error ?? {}) as {
    code?: unknown;
    type?: unknown;
    error?: { code?: unknown; type?: unknown };
  };
  return {
    status: error.status ?? toStatus(body.code) ?? toStatus(body.error?.code),
    code: text(error.code) ?? text(body.code) ?? text(body.error?.code),
    type: text(error.type) ?? text(body.error?.type) ?? text(body.type),
  };
}
