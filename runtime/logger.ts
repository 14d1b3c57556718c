/** Structured logs. Log only ids, counts and durations: the redaction below is a safety net and misses unknown forms. */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Json } from '../domain/text/json-value.ts';
import { HIDDEN, hideInText, hideSecrets } from '../domain/text/hide-secrets.ts';

export type { Logger } from 'pino';

/** Fields that hold a secret whatever it looks like. */
const SECRET_FIELDS = ['authorization', 'apikey', 'apiKey', 'jwtSecret', 'password', 'headers'];

/**
 * A line with its secrets hidden. The line is parsed first: in its raw text, the `n` of an escaped line break would
 * stand before a key as if it were part of a word.
 */
function hideInLine(line: string): string {
  return `${JSON.stringify(hideSecrets(JSON.parse(line) as Json))}\n`;
}

/**
 * A pino logger on standard error, so that standard output stays for what a person asked to see.
 * `bindings` name the process role (`api`, `worker`, `stack`); a test gives a `destination` of its own.
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
    },
    destination,
  );
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return hideInText(String(error));
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: hideInText(error.message),
    stack: hideInText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}
