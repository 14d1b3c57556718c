/**
 * The OpenTelemetry SDK. Only tracing.ts loads this module, when traces are on. The exporter reads its own variables
 * (OTEL_EXPORTER_OTLP_*), the resource reads OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TracingConfig } from '../config.ts';
import type { Logger } from '../logger.ts';
import { takeSpanId } from './preset-span-id.ts';

const SEND_EVERY_MS = 1_000;
/** With the messages in them, spans are large: collectors refuse a request of many megabytes. */
const SPANS_WITH_CONTENT = 16;
const MAX_REASON_CHARS = 200;
/** Ids of tool calls come from the model: no attribute is longer, but for the content. */
const MAX_VALUE_CHARS = 1_000;
const LAST_SEND_MS = 2_000;
const WARN_EVERY_MS = 60_000;

/** Installs the SDK in this process. Returns a function that sends what is left and ends it; it never rejects. */
export function installSdk(
  { protocol, sampler, withContent }: TracingConfig,
  { logger, role }: { logger: Logger; role: string },
): () => Promise<void> {
  let warnedAt = -Infinity;
  setGlobalErrorHandler((error) => {
    if (performance.now() - warnedAt < WARN_EVERY_MS) return;
    warnedAt = performance.now();
    logger.warn({ reason: reasonOf(error) }, 'traces could not be sent');
  });
  const ids = new RandomIdGenerator();
  const exporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
  const provider = new TracerProvider({
    sampler: createSampler(sampler),
    idGenerator: {
      generateTraceId: () => ids.generateTraceId(),
      generateSpanId: () => takeSpanId() ?? ids.generateSpanId(),
    },
    resource: resourceFromAttributes({ 'service.name': 'workflow-copilot', 'copilot.role': role }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    spanLimits: withContent ? {} : { attributeValueLengthLimit: MAX_VALUE_CHARS },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        scheduledDelayMillis: SEND_EVERY_MS,
        ...(withContent ? { maxExportBatchSize: SPANS_WITH_CONTENT } : {}),
      }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return async () => {
    const sent = provider.shutdown().catch(() => undefined);
    await Promise.race([sent, delay(LAST_SEND_MS, undefined, { ref: false })]);
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, MAX_REASON_CHARS);
}

function createSampler({ name, ratio }: TracingConfig['sampler']): Sampler {
  const roots: Record<string, () => Sampler> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  };
  const root = roots[name.replace('parentbased_', '')]!();
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}
