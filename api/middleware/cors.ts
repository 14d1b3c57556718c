import cors from '@koa/cors';
import type { Middleware } from 'koa';

/** CORS for exact origins. Any other origin gets no CORS header. Preflights are answered here, before authentication. */
export function createCorsMiddleware(origins: readonly string[]): Middleware {
  const allowed = new Set(origins);
  return cors({
    origin: (ctx) => (allowed.has(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    allowMethods: 'GET,HEAD,PUT,POST,DELETE',
    allowHeaders: 'Authorization,apikey,Content-Type,Idempotency-Key,Last-Event-ID,X-Request-Id',
    exposeHeaders: 'X-Turn-Id,X-Request-Id,X-Trace-Id,Retry-After',
    maxAge: 600,
    keepHeadersOnError: false,
  });
}
