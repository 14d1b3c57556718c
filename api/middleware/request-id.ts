import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';

const ACCEPTABLE = /^[\w.-]{1,64}$/;

/** Sets X-Request-Id on every response: the client's own id when it is short and plain, else a new one. */
export function createRequestIdMiddleware(): Middleware {
  return async function requestId(ctx, next) {
    const given = ctx.get('X-Request-Id');
    const id = ACCEPTABLE.test(given) ? given : randomUUID();
    ctx.state.requestId = id;
    ctx.set('X-Request-Id', id);
    await next();
  };
}
