/**
 * What providers say when a call fails, as a ModelError: which code, retry or not, after how long. One table for all of
 * them. Messages are ours: a provider's text may hold keys, organisation names or the prompt.
 */
import { ModelError, type ModelUsage } from './types.ts';

const MAX_RETRY_AFTER_MS = 5 * 60_000;

const MONEY = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'billing_hard_limit_reached',
  'billing_error',
  'enforced_spend_limit_reached',
  'contract_spend_limit_reached',
]);
const RATE = new Set([
  'rate_limit_exceeded',
  'rate_limit_error',
  'slow_down',
  'ramp_limit_exceeded',
  'tokens',
  'requests',
]);
const REFUSED = new Set(['content_policy_violation', 'content_filter', 'invalid_prompt']);
const AUTH = new Set(['invalid_api_key', 'authentication_error', 'permission_error']);
const TOO_LONG = new Set(['context_length_exceeded', 'exceed_context_size_error', 'request_too_large']);
/** The server could not read the call that its model wrote: another attempt writes another one. */
const BAD_CALL = new Set(['tool_use_failed']);

/** What an error says of itself, thrown by an SDK or told by an event in the stream. */
export interface ProviderFault {
  status: number | null;
  code: string | null;
  type: string | null;
  headers?: Headers | undefined;
  cause?: unknown;
}

/** A stream that stopped before its provider said that it was complete. */
export function earlyEnd(usage: ModelUsage | null = null): ModelError {
  return new ModelError('The model stopped in the middle of its answer', {
    code: 'model_unavailable',
    retryable: true,
    usage,
  });
}

/** An answer that can't be used, though the call itself went well. */
export function badResponse(what: string, cause?: unknown, usage: ModelUsage | null = null): ModelError {
  return new ModelError(`The model ${what}`, { code: 'model_bad_response', retryable: true, cause, usage });
}

/**
 * An answer cut off at the output limit that is of no use: the last call's arguments are not what the model meant, so
 * none of its calls may run. Asked again it may be shorter; one that thought up its whole allowance would do so again.
 */
export function ranOut(hadCalls: boolean, usage: ModelUsage | null): ModelError {
  return new ModelError('The model ran out of room before its answer was complete', {
    code: 'model_bad_response',
    retryable: hadCalls,
    usage,
  });
}

/** The connection was not made, or was lost. */
export function connectionError(cause: unknown, usage: ModelUsage | null): ModelError {
  return new ModelError('The connection to the model was lost', {
    code: 'model_unavailable',
    retryable: true,
    cause,
    usage,
  });
}

/** The ModelError for what a provider says. */
export function fromFault(fault: ProviderFault, usage: ModelUsage | null): ModelError {
  const { status, cause } = fault;
  const known = (set: ReadonlySet<string>): boolean => set.has(fault.code ?? '') || set.has(fault.type ?? '');
  const retryAfterMs = fault.headers ? retryAfter(fault.headers) : null;
  const facts = { status, retryAfterMs, usage, cause };
  if (known(MONEY) || status === 402) {
    return new ModelError(
      "The model provider's quota for this service is used up. Someone with access to its billing must raise it.",
      {
        ...facts,
        code: 'model_quota',
        retryable: false,
      },
    );
  }
  const forced = fault.headers?.get('x-should-retry');
  const retryable = (byStatus: boolean): boolean =>
    forced === 'true' ? true : forced === 'false' ? false : byStatus;
  if (status === 429 || (status === null && known(RATE))) {
    return new ModelError('The model is rate limited', {
      ...facts,
      code: 'model_rate_limited',
      retryable: retryable(true),
    });
  }
  if (status === 401 || status === 403 || known(AUTH)) {
    return new ModelError("The model provider refused this service's key. An operator must check it.", {
      ...facts,
      code: 'model_auth',
      retryable: retryable(false),
    });
  }
  if (known(TOO_LONG) || status === 413) {
    return new ModelError(
      'This conversation is longer than the model can take. Start a new session, or choose a model with a larger context.',
      {
        ...facts,
        code: 'context_overflow',
        retryable: false,
      },
    );
  }
  if (known(REFUSED)) {
    return new ModelError('The model provider refused to answer this request', {
      ...facts,
      code: 'model_refused',
      retryable: false,
    });
  }
  if (fault.code === 'model_not_found' || fault.type === 'not_found_error' || status === 404) {
    return new ModelError(
      'The model does not exist at the provider, or this service may not use it. Choose another one in the settings.',
      {
        ...facts,
        code: 'model_unavailable',
        retryable: retryable(false),
      },
    );
  }
  if (known(BAD_CALL)) return badResponse('wrote a tool call that its server could not read', cause, usage);
  // Without a status, in the middle of a stream, only the request itself is a reason not to try again.
  const overload = status === null ? fault.type !== 'invalid_request_error' : status >= 500;
  if (overload || status === 408 || status === 409) {
    return new ModelError('The model is overloaded', {
      ...facts,
      code: 'model_unavailable',
      retryable: retryable(true),
    });
  }
  return new ModelError(
    'The model provider refused the request as malformed. This is a fault of the service.',
    {
      ...facts,
      code: 'model_bad_response',
      retryable: retryable(false),
    },
  );
}

/**
 * retry-after-ms, else retry-after as seconds or as a date (RFC 9110, section 10.2.3); at most five minutes. A wait of
 * nothing, or a date that has passed, is no wish: our own backoff then applies.
 */
function retryAfter(headers: Headers): number | null {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN);
  if (ms > 0) return Math.min(ms, MAX_RETRY_AFTER_MS);
  const value = headers.get('retry-after');
  if (value === null) return resetAfter(headers);
  const seconds = Number(value);
  const delayMs = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1_000;
  return delayMs > 0 ? Math.min(delayMs, MAX_RETRY_AFTER_MS) : null;
}

const RESETS = [
  'x-ratelimit-reset-requests',
  'x-ratelimit-reset-tokens',
  'anthropic-ratelimit-requests-reset',
  'anthropic-ratelimit-tokens-reset',
  'anthropic-ratelimit-input-tokens-reset',
  'anthropic-ratelimit-output-tokens-reset',
];

/** When the limit that was met is lifted: OpenAI's `6m0s` or `20ms`, Anthropic's RFC 3339 time; the soonest of them. */
function resetAfter(headers: Headers): number | null {
  const waits = RESETS.flatMap((name) => {
    const value = headers.get(name);
    if (value === null) return [];
    const parts = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:(\d+)ms)?$/.exec(value);
    const ms = parts
      ? Number(parts[1] ?? 0) * 3_600_000 +
        Number(parts[2] ?? 0) * 60_000 +
        Number(parts[3] ?? 0) * 1_000 +
        Number(parts[4] ?? 0)
      : Date.parse(value) - Date.now();
    return ms > 0 ? [ms] : [];
  });
  return waits.length > 0 ? Math.min(MAX_RETRY_AFTER_MS, ...waits) : null;
}

/** A number that is an HTTP error status, or null. */
export function toStatus(code: unknown): number | null {
  return typeof code === 'number' && code >= 400 && code <= 599 ? code : null;
}

/** A text that is not empty, or null. */
export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
