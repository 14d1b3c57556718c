/** Structured logs. Log only ids, counts and durations: the redaction is a safety net and misses unknown secrets. */
import { trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino } from 'pino';
import { codeOf } from '../contracts/thrown-codes.ts';
import type { Json } from '../domain/text/json-value.ts';
import { HIDDEN, hideInText, hideSecrets } from '../domain/text/hide-secrets.ts';

export type { Logger } from 'pino';

/** Fields whose value is always a secret. */
const SECRET_FIELDS = ['authorization', 'apikey', 'apiKey', 'jwtSecret', 'password', 'headers'];

/**
 * Hides the secrets in a line. The line is parsed first: in the raw text, the `n` of an escaped line break would join the
 * word after it, and a secret there would not be found.
 */
function hideInLine(line: string): string {
  return `${JSON.stringify(hideSecrets(JSON.parse(line) as Json))}\n`;
}

/**
 * Creates a pino logger on standard error, because standard output is for the answers of commands. `bindings` name the role
 * of the process. Tests pass a `destination`.
 */
export function createLogger(
  options: { level: string; bindings?: Record<string, unknown> },
  destination: DestinationStream = pino.destination({ dest: 2, sync: true }),
): Logger {
  return pino(
    {
      level: options.level,
      base: { pid: process.pid, ...options.bindings },
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: HIDDEN,
      },
      serializers: { err: serializeError },
      hooks: { streamWrite: hideInLine },
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: traceOfLine,
    },
    destination,
  );
}

/** The trace in which a line is logged; nothing when traces are off. */
function traceOfLine(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return hideInText(String(error));
  const code = codeOf(error);
  return {
    type: error.name,
    ...(code === null ? {} : { code }),
    message: hideInText(error.message),
    stack: hideInText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}
