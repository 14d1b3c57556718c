/** Puts routes on a router. Only this file turns a request's state into the input of a handler. */
import type { Router } from '@koa/router';
import type { ApiDeps } from '../deps.ts';
import type { RequestState } from './request-state.ts';
import type { Route } from './route.ts';

/** Registers the routes. GET routes answer HEAD as well. */
export function registerRoutes(router: Router<RequestState>, routes: readonly Route[], deps: ApiDeps): void {
  for (const route of routes) {
    router[route.method](route.path, async (ctx) => {
      const { requestId, principal, body } = ctx.state;
      const { params, query, headers } = ctx;
      const answer = await route.run({ requestId, principal, body, params, query, headers }, deps);
      ctx.status = answer.status;
      ctx.set(answer.headers);
      answer.write(ctx, deps);
    });
  }
}
