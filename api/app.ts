/** The HTTP application: middleware in its order, and the resources. Holds no state and opens nothing by itself. */
import { createSecretKey } from 'node:crypto';
import { Router } from '@koa/router';
import Koa, { type Middleware } from 'koa';
import { createBlockTypesRouter } from './block-types/router.ts';
import { createChatRouter } from './chat/router.ts';
import type { ApiDeps } from './deps.ts';
import { createHealthRouter } from './health/router.ts';
import { HttpError } from './http-error.ts';
import { createAuthMiddleware } from './middleware/auth.ts';
import { createBodyMiddleware } from './middleware/body.ts';
import { createCorsMiddleware } from './middleware/cors.ts';
import { createErrorMiddleware } from './middleware/errors.ts';
import { createRequestIdMiddleware } from './middleware/request-id.ts';
import { createRequestLogMiddleware } from './middleware/request-log.ts';
import { createSessionsRouter } from './sessions/router.ts';
import { createSettingsRouter } from './settings/router.ts';
import { createTurnsRouter } from './turns/router.ts';
import { createUsageRouter } from './usage/router.ts';
import { createWorkflowsRouter } from './workflows/router.ts';

/** Creates the application. The caller serves it and closes what is in `deps`. */
export function createApp(deps: ApiDeps): Koa {
  const router = new Router();
  for (const resource of [
    createHealthRouter(deps),
    createSessionsRouter(deps),
    createChatRouter(deps),
    createTurnsRouter(deps),
    createSettingsRouter(deps),
    createUsageRouter(deps),
    createWorkflowsRouter(deps),
    createBlockTypesRouter(),
  ]) {
    router.use(resource.routes());
  }

  const app = new Koa();
  app.silent = true;
  app.on('error', (error: unknown) => {
    // What reaches Koa itself: mostly clients that went away while something was written to them.
    deps.logger.debug({ err: error }, 'connection error');
  });
  app.use(createRequestIdMiddleware());
  app.use(createRequestLogMiddleware(deps.logger));
  app.use(createErrorMiddleware(deps.logger));
  app.use(createCorsMiddleware(deps.config.corsOrigins));
  app.use(
    createAuthMiddleware({
      key: createSecretKey(deps.jwtSecret),
      allowedRoles: deps.config.allowedRoles,
      logger: deps.logger,
    }),
  );
  app.use(createRouteCheckMiddleware(router));
  app.use(createBodyMiddleware());
  app.use(router.routes());
  return app;
}

/** Answers 404 and 405 before a body is read, in the form of all other errors. */
function createRouteCheckMiddleware(router: Router): Middleware {
  return async function routeCheck(ctx, next) {
    const { path, route } = router.match(ctx.path, ctx.method);
    const methods = new Set(path.flatMap((layer) => layer.methods));
    if (methods.size === 0) throw new HttpError(404, 'There is nothing at this path');
    const allow = [...methods, 'OPTIONS'].join(', ');
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      ctx.set('Allow', allow);
      return;
    }
    if (!route) throw new HttpError(405, `This path takes ${allow}, not ${ctx.method}`, {}, { Allow: allow });
    await next();
  };
}
