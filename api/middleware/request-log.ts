import type { Middleware } from 'koa';
import type { Logger } from '../../runtime/logger.ts';
import { isUuid } from '../../domain/text/uuid.ts';

/**
 * Logs one line per request: route pattern, ids, status and duration. The raw path and query are not logged, because
 * callers may put anything there. A stream is logged when it begins.
 */
export function createRequestLogMiddleware(logger: Logger): Middleware {
  return async function requestLog(ctx, next) {
    const startedAt = performance.now();
    await next();
    const params = (ctx.params ?? {}) as Record<string, unknown>;
    const route = typeof ctx._matchedRoute === 'string' ? ctx._matchedRoute : null;
    const session = route?.startsWith('/api/copilot/sessions/:') ? params.id : undefined;
    const turn = ctx.res.getHeader('X-Turn-Id') ?? params.turn_id;
    logger[route === '/healthz' || route === '/readyz' ? 'debug' : 'info'](
      {
        request_id: ctx.state.requestId as string,
        method: ctx.method,
        route,
        status: ctx.respond === false ? ctx.res.statusCode : ctx.status,
        ms: Math.round((performance.now() - startedAt) * 10) / 10,
        ...(isUuid(session) ? { session } : {}),
        ...(isUuid(turn) ? { turn } : {}),
      },
      'request',
    );
  };
}
