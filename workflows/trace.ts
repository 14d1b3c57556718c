/**
 * Carries the trace of a turn from its start to its activities. It adds no command and changes no order, so a history
 * replays with and without a trace. The workflow's own span is made when it ends; until then its activities know its id,
 * which is the end of the run's id.
 */
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { proxySinks, type Sinks, type WorkflowInterceptors, workflowInfo } from '@temporalio/workflow';
import { TRACE_HEADER } from '../contracts/names.ts';

/** The span of a workflow that has ended. */
export interface WorkflowSpan {
  /** The parent, as W3C's `traceparent`. */
  parent: string;
  spanId: string;
  startedAtMs: number;
  endedAtMs: number;
  /** What the workflow returned. */
  result: unknown;
  /** Whether the workflow threw. */
  failed: boolean;
}

export interface TraceSinks extends Sinks {
  trace: { ended(span: WorkflowSpan): void };
}

const { trace } = proxySinks<TraceSinks>();
const TRACEPARENT = /^(00-[\da-f]{32})-[\da-f]{16}-([\da-f]{2})$/;

/** The interceptors of every workflow. */
export function interceptors(): WorkflowInterceptors {
  let header: Headers = {};
  return {
    inbound: [
      {
        async execute(input, next) {
          const parent = readParent(input.headers);
          const [, traceId, flags] = TRACEPARENT.exec(parent) ?? [];
          if (traceId === undefined) return next(input);
          const { runId, startTime } = workflowInfo();
          const spanId = runId.replaceAll('-', '').slice(-16);
          const own = { traceparent: `${traceId}-${spanId}-${flags}` };
          header = { [TRACE_HEADER]: defaultPayloadConverter.toPayload(own) };
          const end = (how: Pick<WorkflowSpan, 'result' | 'failed'>): void =>
            trace.ended({ parent, spanId, startedAtMs: startTime.getTime(), endedAtMs: Date.now(), ...how });
          try {
            const result = await next(input);
            end({ result, failed: false });
            return result;
          } catch (error: unknown) {
            end({ result: null, failed: true });
            throw error;
          }
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: { ...input.headers, ...header } }),
      },
    ],
  };
}

/** The `traceparent` of a workflow's header; an empty text when it has none. */
function readParent(headers: Headers): string {
  const payload = headers[TRACE_HEADER];
  if (payload === undefined) return '';
  const carrier: unknown = defaultPayloadConverter.fromPayload(payload);
  const isCarrier = typeof carrier === 'object' && carrier !== null && 'traceparent' in carrier;
  return isCarrier && typeof carrier.traceparent === 'string' ? carrier.traceparent : '';
}
