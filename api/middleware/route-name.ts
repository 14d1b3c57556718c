import type { Router } from '@koa/router';
import type { Middleware } from 'koa';
import type { RequestState } from '../http/request-state.ts';

/**
 * Names the route of a request in `ctx._matchedRoute`, where the router names it too. The router comes last, so a request
 * that is refused before would have no name in the log and in the metrics. Needs a checked target: see request-check.ts.
 */
export function createRouteNameMiddleware(router: Router<RequestState>): Middleware {
  return async function routeName(ctx, next) {
    ctx._matchedRoute = router.match(ctx.path, ctx.method).path[0]?.path;
    await next();
  };
}
