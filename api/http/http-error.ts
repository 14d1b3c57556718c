import type { ErrorStatus } from '../../contracts/http/errors.ts';

/**
 * Thrown to end a request with a status of contracts/http/errors.ts. The client receives the message: it names the cause and
 * what to do, and never has SQL, a stack or another system's raw text.
 */
export class HttpError extends Error {
  readonly code = 'HTTP';
  readonly status: ErrorStatus;
  /** Further fields of the body beside `error`, such as `turn_id`. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Response headers, such as Retry-After. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ErrorStatus,
    message: string,
    extra: Record<string, unknown> = {},
    headers: Record<string, string> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'HttpError';
    this.status = status;
    this.extra = extra;
    this.headers = headers;
  }
}
