/**
 * The one place where errors become responses. Known ones get the documented body; of an unknown one the client
 * learns the request id only, and the log has the rest.
 */
import { isGrpcServiceError } from '@temporalio/client';
import type { Context, Middleware } from 'koa';
import {
  isConnectionError,
  isLockHeld,
  isTransactionConflict,
  isTransient,
  sqlStateOf,
} from '../../db/pg-errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { HttpError } from '../http-error.ts';

const RETRY = { 'Retry-After': '2' };

/** Must be the outermost middleware after the request id and the log. */
export function createErrorMiddleware(logger: Logger): Middleware {
  return async function errors(ctx, next) {
    try {
      await next();
    } catch (error: unknown) {
      const known = toHttpError(error);
      const facts = { err: error, request_id: ctx.state.requestId as string };
      if (known === null) logger.error(facts, 'request failed');
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

/** The response of an error that we can name; null for all others. */
export function toHttpError(error: unknown): HttpError | null {
  if (error instanceof HttpError) return error;
  if (isConnectionError(error)) {
    return new HttpError(503, 'The database is not reachable. Please try again.', {}, RETRY);
  }
  if (isTransactionConflict(error) || isLockHeld(error)) {
    return new HttpError(503, 'Something else was changing the same thing. Please try again.', {}, RETRY);
  }
  if (isTransient(error)) {
    return new HttpError(503, 'The database did not answer in time. Please try again.', {}, RETRY);
  }
  if (isTemporalAway(error)) {
    return new HttpError(503, 'The workflow service is not reachable. Please try again.', {}, RETRY);
  }
  // Class 22: a value that Postgres can't take. The boundary keeps such values out; this is the net below it.
  if (sqlStateOf(error)?.startsWith('22')) {
    return new HttpError(400, "The request holds a value that can't be stored");
  }
  // foreign_key_violation: what the request refers to was deleted while it ran.
  if (sqlStateOf(error) === '23503') {
    return new HttpError(404, 'What this request refers to was deleted meanwhile');
  }
  return null;
}

// UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED (a connection that closes): all mean "not now".
const AWAY_CODES = new Set([14, 4, 8, 1]);

function isTemporalAway(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) return AWAY_CODES.has(cause.code);
    if (cause.name === 'TransportError') return true;
  }
  return false;
}
