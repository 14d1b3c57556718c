import {
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context as TraceContext,
} from '@opentelemetry/api';
import type { Middleware } from 'koa';
import { TRACER } from '../../contracts/names.ts';
import type { TracingConfig } from '../../runtime/config.ts';

/** Asked every few seconds by machines: they would hide the requests of people. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Makes a span for each request and tells the trace's id in `X-Trace-Id`. The span of a stream ends when the stream begins.
 * The path is not in the span, because callers may put anything there: the route is.
 */
export function createRequestTraceMiddleware(options: Pick<TracingConfig, 'continuesCallers'>): Middleware {
  const tracer = trace.getTracer(TRACER);
  return async function requestTrace(ctx, next) {
    // Koa's path throws for some targets that are not checked yet.
    if (UNTRACED.has((ctx.req.url ?? '').split('?', 1)[0]!)) return next();
    const { parent, links } = placeOf(ctx.headers.traceparent, options);
    const { method } = ctx;
    const span = tracer.startSpan(
      method,
      {
        kind: SpanKind.SERVER,
        links,
        attributes: {
          'http.request.method': method,
          'url.scheme': ctx.protocol,
          'copilot.request_id': ctx.state.requestId as string,
        },
      },
      parent,
    );
    ctx.set('X-Trace-Id', span.spanContext().traceId);
    try {
      await context.with(trace.setSpan(parent, span), next);
    } finally {
      const status = ctx.respond === false ? ctx.res.statusCode : ctx.status;
      if (typeof ctx._matchedRoute === 'string') {
        span.updateName(`${method} ${ctx._matchedRoute}`);
        span.setAttribute('http.route', ctx._matchedRoute);
      }
      const turnId = ctx.res.getHeader('X-Turn-Id');
      if (typeof turnId === 'string') span.setAttribute('copilot.turn_id', turnId);
      span.setAttribute('http.response.status_code', status);
      if (status >= 500)
        span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', String(status));
      span.end();
    }
  };
}

/**
 * The place of a request among traces. By default a caller chooses neither the trace nor whether it is kept; the span only
 * links to the span that the caller names. `tracestate` and `baggage` are not read, so no text of a caller is carried on.
 */
function placeOf(
  traceparent: unknown,
  { continuesCallers }: Pick<TracingConfig, 'continuesCallers'>,
): { parent: TraceContext; links: Link[] } {
  const caller = propagation.extract(ROOT_CONTEXT, { traceparent });
  if (continuesCallers) return { parent: caller, links: [] };
  const span = trace.getSpanContext(caller);
  return { parent: ROOT_CONTEXT, links: span === undefined ? [] : [{ context: span }] };
}
