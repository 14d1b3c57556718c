/** Classifies database errors by class, SQLSTATE and errno. */
import { codeOf } from '../../contracts/thrown-codes.ts';
import { PostgresAwayError } from './pg-client.ts';

// Class 08: connection exceptions. 57P01 to 57P05: shutdown, crash, starting up, database dropped, idle too long.
// 53300: too many connections. 25P03: idle in a transaction for too long, which ends the session.
const AWAY = /^(08...|57P0[1-5]|53300|25P03)$/;
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
const PLAIN_CLIENT =
  /^(?:Connection terminated|Connection ended|Query read timeout$|timeout expired$|timeout exceeded when trying|Client has encountered a connection error)/;

/**
 * True when Postgres could not be reached, or went away before it answered. In the second case it may have executed the
 * statement.
 */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof PostgresAwayError) return true;
  if (error instanceof AggregateError) return error.errors.every(isConnectionError);
  const code = codeOf(error);
  if (code !== null) return AWAY.test(code) || ERRNO.has(code);
  if (error.name === 'KnexTimeoutError') return true;
  // Plain pg clients (migration locks, index builds) report a lost connection only by its message.
  return PLAIN_CLIENT.test(error.message);
}

/** True when Postgres aborted the transaction because of a concurrent one. It can be repeated as it is. */
export function isTransactionConflict(error: unknown): boolean {
  // 40001 serialization_failure, 40P01 deadlock_detected.
  return ['40001', '40P01'].includes(sqlStateOf(error) ?? '');
}

/** True when the statement was given up because another transaction holds a lock. Nothing was done. */
export function isLockHeld(error: unknown): boolean {
  return sqlStateOf(error) === '55P03';
}

// 25P03: idle in a transaction for too long. 55P03: lock not available. Class 53: insufficient resources. Class 57:
// operator intervention, statement_timeout included. Class 58: system error.
const TRANSIENT = /^(25P03|55P03|53...|57...|58...)$/;

/**
 * True when the same statement may succeed later: the server was away, out of time or out of resources, a lock was held,
 * or two transactions conflicted.
 */
export function isTransient(error: unknown): boolean {
  return isConnectionError(error) || isTransactionConflict(error) || TRANSIENT.test(sqlStateOf(error) ?? '');
}

/** Settles as `work` does, or rejects with PostgresAwayError after `ms`. `work` itself goes on until its own bound. */
export function answeredWithin<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new PostgresAwayError(`no answer within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** The SQLSTATE of an error, or null. */
export function sqlStateOf(error: unknown): string | null {
  const code = codeOf(error);
  return code !== null && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}
