import type { ErrorCode } from './types.ts';

/**
 * What a request came to, by its status; `network`: no whole answer came; `bad_answer`: not one of this service; `aborted`:
 * the caller's signal said so.
 */
export type RequestErrorCode =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'turn_running'
  | 'too_large'
  | 'rate_limited'
  | 'unavailable'
  | 'server_error'
  | 'bad_answer'
  | 'network'
  | 'aborted';

/** ErrorCode is why a turn failed, RequestErrorCode why a request did. */
export type CopilotErrorCode = ErrorCode | RequestErrorCode;

/** Why a request failed, or (turnError) a turn. */
export class CopilotError extends Error {
  override readonly name = 'CopilotError';
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  readonly code: CopilotErrorCode;
  /** How long the service asks to wait before another try, a day at most; null where it said nothing. */
  readonly retryAfterMs: number | null;
  /** The JSON object that was answered, such as `{error, turn_id}`; null where there was none. */
  readonly body: Readonly<Record<string, unknown>> | null;

  constructor(
    code: CopilotErrorCode,
    message: string,
    details: {
      status?: number;
      retryAfterMs?: number | null;
      body?: Record<string, unknown> | null;
      cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status ?? 0;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.body = details.body ?? null;
  }

  /** Whether the same request may do better later, although nobody has acted. */
  get mayPass(): boolean {
    switch (this.code) {
      case 'network':
      case 'rate_limited':
      case 'server_error':
        return true;
      case 'unavailable':
        // The service says when to come back; where it does not, such as for a missing key, an operator must act first.
        // An answer without its error body comes from something in between.
        return this.retryAfterMs !== null || typeof this.body?.error !== 'string';
      default:
        return this.status === 408 || this.status === 425;
    }
  }
}

/** A failed turn as an error, for a caller that rather throws: the `error` event of a stream. */
export function turnError(event: { code: ErrorCode; error: string }): CopilotError {
  return new CopilotError(event.code, event.error);
}

/** The error of an answer that is no success. Reads its body. */
export async function errorOfAnswer(response: Response): Promise<CopilotError> {
  const { status } = response;
  const body = parseObject(await response.text().catch(() => ''));
  const said = typeof body?.error === 'string' ? body.error : `The service answered with status ${status}`;
  return new CopilotError(codeOf(status, body), said, {
    status,
    body,
    retryAfterMs: retryAfterOf(response.headers),
  });
}

function codeOf(status: number, body: Record<string, unknown> | null): RequestErrorCode {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not_found';
    case 409:
      return typeof body?.turn_id === 'string' ? 'turn_running' : 'conflict';
    case 413:
      return 'too_large';
    case 429:
      return 'rate_limited';
    case 502:
    case 503:
    case 504:
      return 'unavailable';
    default:
      if (status >= 500) return 'server_error';
      return status >= 400 ? 'bad_request' : 'bad_answer';
  }
}

/** The longest wait that is told: a day, which every timer can hold. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000;
/** The three forms of a date in HTTP (RFC 9110); the last one does not say that it is in GMT. */
const HTTP_DATE =
  /^(?:[A-Z][a-z]+, \d\d[ -][A-Z][a-z]{2}[ -](?:\d\d){1,2} \d\d:\d\d:\d\d GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/;

/** Retry-After, in whole seconds or as a date; null for everything else. */
function retryAfterOf(headers: Headers): number | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, MAX_RETRY_AFTER_MS);
  if (!HTTP_DATE.test(value)) return null;
  const date = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`);
  return Number.isNaN(date) ? null : Math.min(Math.max(0, date - Date.now()), MAX_RETRY_AFTER_MS);
}

/** A text as a JSON object; null where it is none. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether a value is a JSON object: no array, no null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
