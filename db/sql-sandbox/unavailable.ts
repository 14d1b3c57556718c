/** Errors of the database that a query needs, as opposed to errors of the query. */
import { sqlStateOf } from '../connection/pg-errors.ts';
import { SqlRefusal } from './check-syntax.ts';

/** Thrown when the database could not be reached or went away before it answered. */
export class SandboxUnavailable extends Error {
  constructor(what: string, cause?: unknown) {
    super(what, { cause });
    this.name = 'SandboxUnavailable';
  }
}

/** Whether the role can't log in: class 28 (wrong password, no such role, NOLOGIN), or 42501 (no CONNECT). */
export function isRoleFault(error: unknown): boolean {
  const state = sqlStateOf(error instanceof SandboxUnavailable ? error.cause : error) ?? '';
  return state.startsWith('28') || state === '42501';
}

/** The refusal while an earlier query still runs after its cancel. */
export function survivorRefusal(): SqlRefusal {
  return new SqlRefusal(
    'unavailable',
    'SQL is off for now: an earlier query did not stop when it was told to, and still loads the database.',
    'Go on without it. It comes back by itself when that query has ended.',
  );
}
