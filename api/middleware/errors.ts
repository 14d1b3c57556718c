/**
 * The one place where errors become responses. A known error gets the documented body. For an unknown error the client
 * receives only the request id, and the log has the rest.
 */
import type { Context, Middleware } from 'koa';
import {
  isConnectionError,
  isLockHeld,
  isTransactionConflict,
  isTransient,
  sqlStateOf,
} from '../../db/connection/pg-errors.ts';
import { StoredGraphError } from '../../db/graphs/graphs.ts';
import { LimitError } from '../../db/limits/limit-error.ts';
import type { Logger } from '../../runtime/logger.ts';
import { isPassingPoolError, isPoolError } from '../../runtime/thread-pool.ts';
import { HttpError } from '../http/http-error.ts';
import { toTemporalFault, toTemporalHttpError } from '../http/temporal-errors.ts';

const RETRY = { 'Retry-After': '2' };
/** The tasks that keep the threads busy may take seconds. */
const POOL_RETRY = { 'Retry-After': '5' };

/** Must be the outermost middleware after the request id and the log. */
export function createErrorMiddleware(logger: Logger): Middleware {
  return async function errors(ctx, next) {
    try {
      await next();
    } catch (error: unknown) {
      const known = toHttpError(error);
      const facts = { err: error, request_id: ctx.state.requestId as string };
      if (known === null) logger.error(facts, 'request failed');
      else if (needsOperator(error)) logger.error(facts, 'the workflow service refuses this service');
      else if (known.status >= 500) logger.warn(facts, 'request refused');
      if (ctx.res.headersSent || ctx.respond === false) {
        ctx.respond = false;
        ctx.res.destroy();
        return;
      }
      answer(
        ctx,
        known ?? new HttpError(500, `Internal error. The request id is ${ctx.state.requestId as string}.`),
      );
    }
  };
}

function answer(ctx: Context, error: HttpError): void {
  ctx.status = error.status;
  ctx.set({ ...error.headers });
  ctx.body = { error: error.message, ...error.extra };
}

/** The response of a known error; null for any other error. */
export function toHttpError(error: unknown): HttpError | null {
  if (error instanceof HttpError) return error;
  if (error instanceof StoredGraphError)
    return new HttpError(error.code === 'GRAPH_TOO_LARGE' ? 413 : 409, error.message);
  if (error instanceof LimitError)
    return new HttpError(429, error.message, {}, { 'Retry-After': String(error.retryAfterSeconds) });
  if (isConnectionError(error)) {
    return new HttpError(503, 'The database is not reachable. Please try again.', {}, RETRY);
  }
  if (isTransactionConflict(error) || isLockHeld(error)) {
    return new HttpError(503, 'Something else was changing the same thing. Please try again.', {}, RETRY);
  }
  if (isTransient(error)) {
    return new HttpError(503, 'The database did not answer in time. Please try again.', {}, RETRY);
  }
  if (isPoolError(error) || isPassingPoolError(error)) {
    return new HttpError(503, 'The service has no time for this now. Please try again.', {}, POOL_RETRY);
  }
  const fault = toTemporalFault(error);
  if (fault) return toTemporalHttpError(fault, error);
  // SQLSTATE class 22: Postgres refuses a value. The checks of the body keep such values out; this catches what they miss.
  if (sqlStateOf(error)?.startsWith('22')) {
    return new HttpError(400, "The request holds a value that can't be stored");
  }
  // foreign_key_violation: a row that the request refers to was deleted while the request ran.
  if (sqlStateOf(error) === '23503') {
    return new HttpError(404, 'What this request refers to was deleted meanwhile');
  }
  return null;
}

/** True when Temporal refuses this service until an operator acts. Also finds an error that was already translated. */
function needsOperator(error: unknown): boolean {
  return toTemporalFault(error)?.kind === 'refused';
}
