/** Thrown when a limit or a budget refuses a request. Nothing was done. The message names the limit. */
export class LimitError extends Error {
  readonly code = 'LIMIT';
  /** Whole seconds after which the same request may be accepted. */
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.name = 'LimitError';
    this.retryAfterSeconds = wholeSeconds(retryAfterSeconds);
  }
}

/** The error of a limit. `what` is what is limited, such as `chats a minute`. */
export function limitReached(
  { scope, atMost, what }: { scope: 'own' | 'total'; atMost: number; what: string },
  retryAfterSeconds: number,
): LimitError {
  const whose = scope === 'own' ? 'Your' : "The service's";
  const seconds = wholeSeconds(retryAfterSeconds);
  return new LimitError(
    `${whose} limit of ${atMost.toLocaleString('en-US')} ${what} is reached. Nothing was done. Please try again in ${seconds} s.`,
    seconds,
  );
}

function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.ceil(seconds));
}
