import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { TRACE_HEADER, TRACER } from '../../contracts/names.ts';

/** Gives the trace of a request to the workflow that it starts. */
export function traceStarts(): WorkflowClientInterceptor {
  return {
    async startWithDetails(input, next) {
      const span = trace
        .getTracer(TRACER)
        .startSpan(`StartWorkflow:${input.workflowType}`, { kind: SpanKind.CLIENT });
      const carrier: Record<string, string> = {};
      propagation.inject(trace.setSpan(context.active(), span), carrier);
      try {
        return await next({
          ...input,
          headers: { ...input.headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrier) },
        });
      } catch (error: unknown) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
  };
}
