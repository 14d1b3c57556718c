/** Structured logs. Fields are ids, counts and durations; the redaction below is a net, not a licence. */
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

const SECRET =
  /Bearer\s+[\w.~+/=-]+|sk-[\w-]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]*|(postgres(?:ql)?:\/\/[^:@\s]+:)[^@\s]+(?=@)/g;

/** Replaces what looks like a key, a token or a connection string's password. */
export function redactSecrets(text: string): string {
  return text.replace(SECRET, (_match, prefix?: string) => `${prefix ?? ''}[redacted]`);
}

/**
 * A pino logger on standard error, so that standard output stays for what a person asked to see.
 * `bindings` name the process role (`api`, `worker`, `stack`).
 */
export function createLogger(options: { level: string; bindings?: Record<string, unknown> }): Logger {
  return pino(
    {
      level: options.level,
      base: { pid: process.pid, ...options.bindings },
      redact: {
        paths: [
          'authorization',
          'apikey',
          '*.authorization',
          '*.apikey',
          'headers',
          '*.headers',
          'err.config',
        ],
        censor: '[redacted]',
      },
      serializers: { err: serializeError },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 2, sync: true }),
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
