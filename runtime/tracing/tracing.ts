/**
 * Traces by OpenTelemetry. They are off unless OTEL_* variables turn them on. While they are off, the OpenTelemetry API does
 * nothing, and the SDK is not loaded.
 */
import type { Config } from '../config.ts';
import type { Logger } from '../logger.ts';
import type { Shutdown } from '../shutdown.ts';

/** Turns traces on, if the configuration says so. The shutdown sends what is left, after everything else has ended. */
export async function startTracing(options: {
  config: Pick<Config, 'tracing'>;
  logger: Logger;
  /** Of the process: `api`, `worker` or `start`. */
  role: string;
  shutdown: Pick<Shutdown, 'add'>;
}): Promise<void> {
  const { config, logger, role, shutdown } = options;
  if (config.tracing === null) return;
  const { installSdk } = await import('./sdk.ts');
  const end = installSdk(config.tracing, { logger, role });
  shutdown.add('the traces', end);
  logger.info({ protocol: config.tracing.protocol }, 'traces are sent');
}
