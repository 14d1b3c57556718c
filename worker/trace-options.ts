/** Makes the spans of workflows and activities. */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context as TraceContext,
} from '@opentelemetry/api';
import { ApplicationFailure, type Context, type Info } from '@temporalio/activity';
import { CancelledFailure, defaultPayloadConverter, type Headers } from '@temporalio/common';
import type { ActivityInterceptors, InjectedSinks, WorkerOptions } from '@temporalio/worker';
import { TRACE_HEADER, TRACER } from '../contracts/names.ts';
import type {
  CallModelInput,
  ChatTurnResult,
  RunToolInput,
  SettleConfirmationInput,
} from '../contracts/turn.ts';
import { withSpanId } from '../runtime/tracing/preset-span-id.ts';
import type { TraceSinks } from '../workflows/trace.ts';

/** The worker's options. A turn whose start had a trace calls the sink also where traces are off. */
export function traceOptions(isOn: boolean): Pick<WorkerOptions, 'interceptors' | 'sinks'> {
  return {
    sinks: { trace: { ended: { fn: isOn ? endWorkflow : () => undefined, callDuringReplay: false } } },
    ...(isOn ? { interceptors: { activity: [traceActivity] } } : {}),
  };
}

const endWorkflow: InjectedSinks<TraceSinks>['trace']['ended']['fn'] = (info, span) => {
  const parent = propagation.extract(ROOT_CONTEXT, { traceparent: span.parent });
  const attributes = {
    'temporal.workflow.id': info.workflowId,
    'temporal.run.id': info.runId,
    ...(typeof info.memo?.turnId === 'string' ? { 'copilot.turn_id': info.memo.turnId } : {}),
  };
  withSpanId(span.spanId, () => {
    const made = trace
      .getTracer(TRACER)
      .startSpan(`RunWorkflow:${info.workflowType}`, { startTime: span.startedAtMs, attributes }, parent);
    const { status, stopReason } = (span.result ?? {}) as Partial<Record<keyof ChatTurnResult, unknown>>;
    if (typeof status === 'string') made.setAttribute('copilot.turn_status', status);
    if (typeof stopReason === 'string') made.setAttribute('copilot.stop_reason', stopReason);
    if (span.failed || status === 'failed') made.setStatus({ code: SpanStatusCode.ERROR });
    made.end(span.endedAtMs);
  });
};

function traceActivity({ info }: Context): ActivityInterceptors {
  return {
    inbound: {
      execute({ args, headers }, next) {
        const parent = readContext(headers);
        const span = trace
          .getTracer(TRACER)
          .startSpan(
            `RunActivity:${info.activityType}`,
            { kind: SpanKind.SERVER, attributes: attributesOf(info, args[0]) },
            parent,
          );
        return context.with(trace.setSpan(parent, span), async () => {
          try {
            return await next({ args, headers });
          } catch (error: unknown) {
            span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', typeOf(error));
            throw error;
          } finally {
            span.end();
          }
        });
      },
    },
  };
}

function typeOf(error: unknown): string {
  if (error instanceof CancelledFailure) return 'cancelled';
  return (error instanceof ApplicationFailure && error.type) || 'internal';
}

function readContext(headers: Headers): TraceContext {
  const payload = headers[TRACE_HEADER];
  return payload === undefined
    ? ROOT_CONTEXT
    : propagation.extract(ROOT_CONTEXT, defaultPayloadConverter.fromPayload(payload));
}

type KnownInput = keyof CallModelInput | keyof RunToolInput | keyof SettleConfirmationInput;

/** Ids and small facts of an activity and its input. */
function attributesOf(info: Info, input: unknown): Record<string, string | number> {
  const { turnId, step, callId, wakeUp } = (input ?? {}) as Partial<Record<KnownInput, unknown>>;
  return {
    'temporal.workflow.id': info.workflowExecution?.workflowId ?? '',
    'temporal.run.id': info.workflowExecution?.runId ?? '',
    'temporal.activity.id': info.activityId,
    'temporal.activity.attempt': info.attempt,
    ...(typeof turnId === 'string' ? { 'copilot.turn_id': turnId } : {}),
    ...(typeof step === 'number' ? { 'copilot.step': step } : {}),
    ...(typeof wakeUp === 'string' ? { 'copilot.wake_up': wakeUp } : {}),
    ...(typeof callId === 'string' ? { 'gen_ai.tool.call.id': callId } : {}),
  };
}
