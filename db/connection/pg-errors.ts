/** Tells a server that is away from a statement that is wrong, by class, SQLSTATE and errno. */
import { PostgresAwayError } from './pg-client.ts';

// Class 08: connection exceptions. 57P01..57P05: shutdown, crash, starting up, idle for too long. 53300: too many
// connections. 25P03: idle in a transaction for too long, which ends the session.
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

/**
 * True when Postgres could not be reached, or went away before it answered (the statement may have been done). A
 * connection of db/connection/pg-client.ts says so by its class.
 */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof PostgresAwayError) return true;
  if (error instanceof AggregateError) return error.errors.every(isConnectionError);
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return AWAY.test(code) || ERRNO.has(code);
  if (error.name === 'KnexTimeoutError') return true;
  // pg gives these no code, and not every connection is one of db/connection/pg-client.ts, which gives them one.
  return /^(Connection terminated|Connection ended|timeout exceeded when trying|Client has encountered a connection error)/.test(
    error.message,
  );
}

/** True when Postgres gave up on a transaction that ran into another: doing it again is right. */
export function isTransactionConflict(error: unknown): boolean {
  // 40001 serialization_failure, 40P01 deadlock_detected.
  return ['40001', '40P01'].includes(sqlStateOf(error) ?? '');
}

/** True when a lock was not to be had in time, because somebody else holds it: nothing was done. */
export function isLockHeld(error: unknown): boolean {
  return sqlStateOf(error) === '55P03';
}

// 25P03: idle in a transaction for too long. 55P03: a lock was not to be had in time. Class 53: no room. 57: an operator
// or a timeout stepped in. 58: the server's system failed.
const TRANSIENT = /^(25P03|55P03|53...|57...|58...)$/;

/**
 * True when the same statement may well succeed later: the server was not there, had no time or no room, somebody held a
 * lock, or two transactions met. Nothing is wrong with what was asked.
 */
export function isTransient(error: unknown): boolean {
  return isConnectionError(error) || isTransactionConflict(error) || TRANSIENT.test(sqlStateOf(error) ?? '');
}

/** What `work` gives, or PostgresAwayError once it took longer than `ms`; the work itself goes on to its own bound. */
export function answeredWithin<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new PostgresAwayError(`no answer within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** SQLSTATE of an error, or null. */
export function sqlStateOf(error: unknown): string | null {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}
