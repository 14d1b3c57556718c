/** The HTTP application: the middleware in order, and the routes. It has no state and opens no connection. */
import { createSecretKey, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Router } from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import type { Logger } from '../runtime/logger.ts';
import type { ApiDeps } from './deps.ts';
import { HttpError } from './http/http-error.ts';
import { registerRoutes } from './http/register-routes.ts';
import type { RequestState } from './http/request-state.ts';
import { routes } from './routes.ts';
import { underName } from '../runtime/loop-watchdog.ts';
import { createAuthMiddleware } from './middleware/auth.ts';
import { createBodyMiddleware } from './middleware/body.ts';
import { createCorsMiddleware } from './middleware/cors.ts';
import { createErrorMiddleware } from './middleware/errors.ts';
import { createJsonAnswerMiddleware } from './middleware/json-answer.ts';
import { createRequestCheckMiddleware } from './middleware/request-check.ts';
import { createRequestIdMiddleware } from './middleware/request-id.ts';
import { createRequestLogMiddleware } from './middleware/request-log.ts';
import { createRequestMetricsMiddleware } from './middleware/request-metrics.ts';
import { createRequestTraceMiddleware } from './middleware/request-trace.ts';
import { createRouteNameMiddleware } from './middleware/route-name.ts';
import { createStudioFiles } from './studio/files.ts';
import { createStudioMiddleware } from './studio/middleware.ts';

const STUDIO_FOLDER = join(import.meta.dirname, '../studio');

/** A router with every route of the API. */
export function createRoutes(deps: ApiDeps): Router<RequestState> {
  const router = new Router<RequestState>({ sensitive: true });
  registerRoutes(router, routes, deps);
  return router;
}

/** Creates the application. The caller serves it and closes `deps`. */
export function createApp(deps: ApiDeps): Koa {
  const router = createRoutes(deps);
  const app = new Koa<RequestState>();
  app.silent = true;
  app.on('error', (error: unknown) => {
    // Errors that reach Koa come mostly from clients that went away during an answer.
    deps.logger.debug({ err: error }, 'connection error');
  });
  Object.assign(app.context, {
    onerror(this: Context, error: unknown) {
      answerLast(this, error, deps.logger);
    },
  });
  app.use(createRequestIdMiddleware());
  if (deps.config.tracing !== null) app.use(createRequestTraceMiddleware(deps.config.tracing));
  app.use(createRequestLogMiddleware(deps.logger));
  app.use(createRequestMetricsMiddleware(deps.metrics));
  app.use(createErrorMiddleware(deps.logger));
  app.use(createJsonAnswerMiddleware());
  app.use(createRequestCheckMiddleware());
  app.use(createRouteNameMiddleware(router));
  app.use(createCorsMiddleware(deps.config.corsOrigins));
  app.use(createStudioMiddleware(createStudioFiles(deps.studioFolder ?? STUDIO_FOLDER)));
  app.use(
    createAuthMiddleware({
      keys: {
        main: createSecretKey(deps.jwtSecret),
        named: new Map(
          [...deps.config.jwtSecrets].map(([kid, secret]) => [kid, createSecretKey(secret, 'utf8')]),
        ),
      },
      allowedRoles: deps.config.allowedRoles,
      opens: new Map(
        routes.map(({ path, isOpen, opensTo }) => [
          path,
          (request) => isOpen || opensTo?.(request, deps.config) === true,
        ]),
      ),
      logger: deps.logger,
    }),
  );
  app.use(createRouteCheckMiddleware(router));
  app.use(createBodyMiddleware(deps.limits));
  app.use(router.routes());
  return app;
}

/**
 * Handles errors outside the error middleware: in the outermost middleware, or while an answer is written. It replaces Koa's
 * handler, which answers in plain text. It is also called when a connection breaks.
 */
function answerLast(ctx: Context, error: unknown, logger: Logger): void {
  if (error === null || error === undefined) return;
  if (ctx.headerSent || !ctx.writable) {
    ctx.app.emit('error', error, ctx);
    return;
  }
  const requestId = String(ctx.res.getHeader('X-Request-Id') ?? randomUUID());
  logger.error({ err: error, request_id: requestId }, 'an answer could not be written');
  const body = JSON.stringify({ error: `Internal error. The request id is ${requestId}.` });
  for (const name of ctx.res.getHeaderNames()) ctx.res.removeHeader(name);
  ctx.res.writeHead(500, {
    'X-Request-Id': requestId,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  ctx.res.end(body);
}

/** Answers 404 and 405 before a body is read, with the same body as all other errors. */
function createRouteCheckMiddleware(router: Router<RequestState>): Middleware {
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
    await underName(`${ctx.method} ${String(path[0]?.path)}`, next);
  };
}
