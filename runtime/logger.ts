/** Structured logs. Fields are ids, counts and durations; the redaction below is a net, not a licence. */
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * Bearer tokens, provider keys, JSON Web Tokens and passwords in URLs. It also reads whole log lines, where a line break
 * is the two characters `\n`, and a quote ends a value. Every part is bounded or needs nothing after it: logged text may
 * be long and hostile.
 */
const SECRET =
  /[Bb]earer\s+[\w.~+/=-]+|(?:(?<!\w)|(?<=\\[bfnrt]))sk-[\w-]{8,}|eyJ[\w-]{10,}(?:\.[\w-]*)*|(:\/\/[^:@/\s"]{0,100}:)[^@\s"]{1,300}(?=@)/g;

/** Fields that hold a secret whatever it looks like. */
const SECRET_FIELDS = ['authorization', 'apikey', 'apiKey', 'jwtSecret', 'password', 'headers'];

/** Replaces what looks like a key, a token or a connection string's password. */
export function redactSecrets(text: string): string {
  return text.replace(SECRET, (_match, prefix?: string) => `${prefix ?? ''}[redacted]`);
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
        censor: '[redacted]',
      },
      serializers: { err: serializeError },
      hooks: { streamWrite: redactSecrets },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  );
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return redactSecrets(String(error));
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: redactSecrets(error.message),
    stack: redactSecrets(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}
