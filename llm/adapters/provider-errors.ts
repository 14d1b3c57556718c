/**
 * Turns the errors of all providers into ModelErrors: the code, whether a retry may help, and the pause before it. The
 * messages are ours, because a provider's text may hold keys, organisation names or the prompt.
 */
import type { ErrorCode } from '../../contracts/errors.ts';
import { ModelError, type ModelUsage } from '../types.ts';

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
/** The server could not parse the tool call that its model wrote. Another attempt may write a valid call. */
const BAD_CALL = new Set(['tool_use_failed']);

/** The facts of a provider's error, which an SDK has thrown or an event of the stream has told. */
export interface ProviderFault {
  status: number | null;
  code: string | null;
  type: string | null;
  headers?: Headers | undefined;
  cause?: unknown;
}

/**
 * The table of failures: for each kind its code, whether another attempt may help, and the message for the user.
 * docs/models.md lists the statuses and types of each kind; a test compares it with this table.
 */
export const FAILURES = {
  quota: {
    code: 'model_quota',
    retryable: false,
    message:
      "The model provider's quota for this service is used up. Someone with access to its billing must raise it.",
  },
  rateLimited: { code: 'model_rate_limited', retryable: true, message: 'The model is rate limited' },
  auth: {
    code: 'model_auth',
    retryable: false,
    message: "The model provider refused this service's key. An operator must check it.",
  },
  tooLong: {
    code: 'context_overflow',
    retryable: false,
    message:
      'This conversation is longer than the model can take. Start a new session, or choose a model with a larger context.',
  },
  refused: {
    code: 'model_refused',
    retryable: false,
    message: 'The model provider refused to answer this request',
  },
  unknownModel: {
    code: 'model_unavailable',
    retryable: false,
    message:
      'The model does not exist at the provider, or this service may not use it. Choose another one in the settings.',
  },
  overloaded: { code: 'model_unavailable', retryable: true, message: 'The model is overloaded' },
  connectionLost: {
    code: 'model_unavailable',
    retryable: true,
    message: 'The connection to the model was lost',
  },
  notBegun: { code: 'model_unavailable', retryable: true, message: 'The model did not begin to answer' },
  cutOff: {
    code: 'model_unavailable',
    retryable: true,
    message: 'The model stopped in the middle of its answer',
  },
  tooSlow: { code: 'model_unavailable', retryable: true, message: 'The model took too long to answer' },
  tooMuch: {
    code: 'model_bad_response',
    retryable: true,
    message: 'The model sent more than an answer can hold',
  },
  webPage: {
    code: 'model_bad_response',
    retryable: true,
    message: "The model's address answered with a web page. An operator must check it.",
  },
  noJson: {
    code: 'model_bad_response',
    retryable: true,
    message: 'The model sent something that is no valid JSON',
  },
  unknownShape: {
    code: 'model_bad_response',
    retryable: true,
    message: 'The model sent an answer of an unknown shape',
  },
  unreadableCall: {
    code: 'model_bad_response',
    retryable: true,
    message: 'The model wrote a tool call that its server could not read',
  },
  missingCall: {
    code: 'model_bad_response',
    retryable: true,
    message: 'The model announced a tool call and made none',
  },
  cutCall: {
    code: 'model_bad_response',
    retryable: true,
    message: 'The model ran out of room in the middle of a tool call',
  },
  onlyThought: {
    code: 'model_bad_response',
    retryable: false,
    message: 'The model ran out of room before its answer began',
  },
  malformed: {
    code: 'model_bad_response',
    retryable: false,
    message: 'The model provider refused the request as malformed. This is a fault of the service.',
  },
} as const satisfies Record<string, { code: ErrorCode; retryable: boolean; message: string }>;

export type FailureKind = keyof typeof FAILURES;

interface FailureFacts {
  usage?: ModelUsage | null;
  cause?: unknown;
  status?: number | null;
  retryAfterMs?: number | null;
  /** Set when the provider itself says whether to try again. */
  retryable?: boolean;
}

/** The ModelError for a kind of failure. */
export function failure(kind: FailureKind, facts: FailureFacts = {}): ModelError {
  const { code, retryable, message } = FAILURES[kind];
  return new ModelError(message, { code, retryable, ...facts });
}

/**
 * The error for an unusable answer that was cut off at the output limit. With calls, the last call's arguments are
 * incomplete, so no call may run; another attempt may be shorter. Without text or calls, the model spent its whole limit on
 * reasoning and would do so again.
 */
export function ranOut(hadCalls: boolean, usage: ModelUsage | null): ModelError {
  return failure(hadCalls ? 'cutCall' : 'onlyThought', { usage });
}

/** The ModelError for an error that Node throws in the middle of a stream, under any SDK; any other error unchanged. */
export function fromThrown(error: unknown, usage: ModelUsage | null): unknown {
  if (error instanceof SyntaxError) return failure('noJson', { cause: error, usage });
  // undici throws a bare TypeError "terminated", with a cause, when the connection is cut in the middle of a stream.
  if (error instanceof TypeError)
    return failure(error.cause === undefined ? 'unknownShape' : 'connectionLost', { cause: error, usage });
  return error;
}

/** The kind of a provider's error, by its code and type first, then by its status. */
function kindOf({ status, code, type }: ProviderFault): FailureKind {
  const known = (set: ReadonlySet<string>): boolean => set.has(code ?? '') || set.has(type ?? '');
  if (known(MONEY) || status === 402) return 'quota';
  if (status === 429 || (status === null && known(RATE))) return 'rateLimited';
  if (status === 401 || status === 403 || known(AUTH)) return 'auth';
  if (known(TOO_LONG) || status === 413) return 'tooLong';
  if (known(REFUSED)) return 'refused';
  if (code === 'model_not_found' || type === 'not_found_error' || status === 404) return 'unknownModel';
  if (known(BAD_CALL)) return 'unreadableCall';
  // Errors in the middle of a stream have no status. They are retried unless the request itself is invalid.
  const overload = status === null ? type !== 'invalid_request_error' : status >= 500;
  return overload || status === 408 || status === 409 ? 'overloaded' : 'malformed';
}

/** Failures that another attempt can't change, whatever x-should-retry says. */
const FINAL: readonly FailureKind[] = ['quota', 'tooLong', 'refused'];

/** The ModelError for a provider's error. */
export function fromFault(fault: ProviderFault, usage: ModelUsage | null): ModelError {
  const kind = kindOf(fault);
  const forced = fault.headers?.get('x-should-retry');
  return failure(kind, {
    status: fault.status,
    usage,
    cause: fault.cause,
    retryAfterMs: fault.headers ? retryAfter(fault.headers) : null,
    ...(FINAL.includes(kind) || (forced !== 'true' && forced !== 'false')
      ? {}
      : { retryable: forced === 'true' }),
  });
}

/**
 * Reads retry-after-ms, else retry-after as seconds or as a date (RFC 9110, section 10.2.3); at most five minutes. Null for
 * a pause of zero and for a date in the past: our own backoff then applies.
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

/** The time until the first limit is lifted: OpenAI sends `6m0s` or `20ms`, Anthropic an RFC 3339 time. */
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
