import type { Middleware } from 'koa';
import { HttpError } from '../http/http-error.ts';

/** Of a repeated one Node drops the rest or joins them: a proxy in between may have gone by another (RFC 9110, 5.3). */
const SINGLE_HEADERS = ['host', 'authorization', 'content-type', 'idempotency-key'];

/**
 * Ends a request whose target can't be read, that names no host (RFC 9112, section 3.2), or that
 * repeats a header which stands once, with 400. A target in
 * absolute form becomes a path: everything after this reads the path, and Koa's way of doing so throws for some.
 */
export function createRequestCheckMiddleware(): Middleware {
  return async function requestCheck(ctx, next) {
    const path = toPath(ctx.req.url ?? '');
    if (path === null) throw new HttpError(400, 'The target of the request is not a valid URL');
    if (ctx.req.httpVersion === '1.1' && ctx.headers.host === undefined)
      throw new HttpError(400, 'The request has no Host header');
    const repeated = SINGLE_HEADERS.find((name) => (ctx.req.headersDistinct[name]?.length ?? 0) > 1);
    if (repeated !== undefined) throw new HttpError(400, `The request has more than one ${repeated} header`);
    ctx.req.url = path;
    await next();
  };
}

/** The path and query of a request's target; null when it is none. */
function toPath(target: string): string | null {
  if (target.startsWith('/')) return target;
  // The asterisk of OPTIONS names no resource of ours.
  if (!URL.canParse(target)) return target === '*' ? '/*' : null;
  const { pathname, search } = new URL(target);
  return pathname.startsWith('/') ? pathname + search : null;
}
