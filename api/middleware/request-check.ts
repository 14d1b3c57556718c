import type { Middleware } from 'koa';
import { HttpError } from '../http/http-error.ts';

/** Headers that may stand once. Node drops or joins repeated ones, while a proxy may have used another (RFC 9110, 5.3). */
const SINGLE_HEADERS = ['host', 'authorization', 'content-type', 'idempotency-key'];

/**
 * Ends a request with 400 when its target can't be read, when it names no host (RFC 9112, section 3.2), or when it repeats
 * a header that may stand once. A target in absolute form is replaced by its path, because Koa throws for some of them.
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

/** The path and query of a request's target; null when the target can't be read. */
function toPath(target: string): string | null {
  if (target.startsWith('/')) return target;
  // OPTIONS may have `*` as its target, which names no resource of ours.
  if (!URL.canParse(target)) return target === '*' ? '/*' : null;
  const { pathname, search } = new URL(target);
  return pathname.startsWith('/') ? pathname + search : null;
}
