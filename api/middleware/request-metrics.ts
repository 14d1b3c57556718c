import type { Middleware } from 'koa';
import type { Metrics } from '../../runtime/metrics/metrics.ts';

/** The label of unknown paths. */
const NO_ROUTE = 'none';

/** Counts requests by route and status, and measures the time until their answer begins. */
export function createRequestMetricsMiddleware(
  metrics: Pick<Metrics, 'requests' | 'requestSeconds'>,
): Middleware {
  return async function requestMetrics(ctx, next) {
    const startedAt = performance.now();
    await next();
    const { method } = ctx;
    const route = typeof ctx._matchedRoute === 'string' ? ctx._matchedRoute : NO_ROUTE;
    const status = ctx.respond === false ? ctx.res.statusCode : ctx.status;
    metrics.requests.inc({ method, route, status });
    metrics.requestSeconds.observe({ method, route }, (performance.now() - startedAt) / 1_000);
  };
}
