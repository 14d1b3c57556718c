/** A receiver of traces: an HTTP server that takes OTLP as JSON, and keeps the bytes of any other form. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listenLocally } from './listen.ts';

interface Value {
  stringValue?: string;
  intValue?: number | string;
  doubleValue?: number;
  boolValue?: boolean;
  arrayValue?: { values: Value[] };
}
interface Attribute {
  key: string;
  value: Value;
}

/** A span as it was sent. */
export interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  /** OTLP's number of the kind: 2 is a server, 3 a client. */
  kind: number;
  startMs: number;
  endMs: number;
  attributes: Record<string, unknown>;
  events: string[];
  /** 2 is an error. */
  status: number;
  /** The process that sent it. */
  resource: Record<string, unknown>;
}

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  spans: SentSpan[];
  /** What was not JSON: the media type and the bytes. */
  others: { type: string; bytes: Buffer }[];
  /** All that was sent as JSON, as text. */
  text(): string;
  close(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: SentSpan[] = [];
  const others: OtlpReceiver['others'] = [];
  let text = '';
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bytes = await buffer(request);
    const type = request.headers['content-type'] ?? '';
    if (request.url !== '/v1/traces') response.statusCode = 404;
    else if (type === 'application/json') {
      text += bytes.toString();
      spans.push(...readSpans(JSON.parse(bytes.toString()) as Body));
    } else others.push({ type, bytes });
    response.end();
  };
  const server = createServer((request, response) => void take(request, response));
  const { port, close } = await listenLocally(server);
  return { url: `http://127.0.0.1:${port}`, spans, others, text: () => text, close };
}

interface Body {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        kind: number;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        attributes: Attribute[];
        events: { name: string }[];
        status: { code?: number };
      }[];
    }[];
  }[];
}

function readSpans({ resourceSpans }: Body): SentSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        name: span.name,
        kind: span.kind,
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        attributes: toRecord(span.attributes),
        events: span.events.map(({ name }) => name),
        status: span.status.code ?? 0,
        resource: toRecord(resource.attributes),
      })),
  );
}

function toRecord(attributes: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toPlain(value)]));
}

function toPlain({ stringValue, intValue, doubleValue, boolValue, arrayValue }: Value): unknown {
  if (arrayValue) return arrayValue.values.map(toPlain);
  return stringValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? doubleValue ?? boolValue;
}
