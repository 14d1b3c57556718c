/** Tells a server that is away from a statement that is wrong, by SQLSTATE and errno, never by message text. */

// Class 08: connection exceptions. 57P01..57P03: shutdown, crash, starting up. 53300: too many connections.
const AWAY = /^(08...|57P0[1-5]|53300)$/;
const ERRNO = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** True when Postgres could not be reached, or went away before it answered (the statement may have been done). */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.every(isConnectionError);
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return AWAY.test(code) || ERRNO.has(code);
  // pg and knex give these no code; they are the only uncoded errors of a lost connection.
  return (
    error.name === 'KnexTimeoutError' ||
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    ) ||
    /^(Connection ended unexpectedly|Unable to acquire a connection)/.test(error.message)
  );
}

/** True when Postgres gave up on a transaction that ran into another: doing it again is right. */
export function isTransactionConflict(error: unknown): boolean {
  // 40001 serialization_failure, 40P01 deadlock_detected.
  return ['40001', '40P01'].includes(sqlStateOf(error) ?? '');
}

/** SQLSTATE of an error, or null. */
export function sqlStateOf(error: unknown): string | null {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}
