/** The common frame of all commands: configuration, logger, shutdown, and a failure as one plain message. */
import { flushCompileCache } from 'node:module';
import { type Config, ConfigError, loadConfig } from '../runtime/config.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { createLogger, type Logger } from '../runtime/logger.ts';
import { installShutdown, type Shutdown } from '../runtime/shutdown.ts';
import { findNpmParent } from '../runtime/process-identity.ts';

export interface CommandContext {
  config: Config;
  logger: Logger;
  shutdown: Shutdown;
  env: Record<string, string | undefined>;
}

/**
 * Runs a command's main function. A FriendlyError or ConfigError prints its message, any other error its stack too. Both
 * exit with 1.
 */
export async function runCommand(
  role: string,
  main: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const { env } = process;
  // Only this user may read the files of the data folder, also those that the embedded servers create.
  process.umask(0o077);
  let shutdown: Shutdown | null = null;
  try {
    const config = loadConfig(env);
    const logger = createLogger({ level: config.logLevel, bindings: { role } });
    shutdown = installShutdown({ parent: findNpmParent(env) });
    process.on('unhandledRejection', (error) => {
      logger.fatal({ err: error }, 'unhandled rejection');
      shutdown?.exit(1);
    });
    await main({ config, logger, shutdown, env });
    // Otherwise Node writes them when the process ends, and a killed one never does.
    flushCompileCache();
  } catch (error: unknown) {
    const known = error instanceof FriendlyError || error instanceof ConfigError;
    const message = known
      ? error.message
      : `Unexpected failure: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    if (shutdown) shutdown.exit(1, message);
    else {
      console.error(message);
      process.exit(1);
    }
  }
}
