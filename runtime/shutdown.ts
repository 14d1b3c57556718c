/** An orderly end: whoever creates a resource registers how it closes, and they close in reverse order. */
import { isAlive, type ProcessIdentity } from './stack/process-identity.ts';

const LIMIT_MS = 9_500;
const PARENT_POLL_MS = 400;

export interface Shutdown {
  /** Registers a closing step. */
  add(name: string, close: () => Promise<void> | void): void;
  /** Runs the steps, last first, each once. Resolves when all are done. */
  run(): Promise<void>;
  /** Closes everything and exits. */
  exit(code: number, message?: string): void;
}

/** Creates the process's shutdown and installs it for SIGINT, SIGTERM and SIGHUP; a second signal exits at once. */
export function installShutdown(options: { parent: ProcessIdentity | null }): Shutdown {
  const steps: { name: string; close: () => Promise<void> | void }[] = [];
  let running: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    for (const step of steps.reverse()) {
      try {
        await step.close();
      } catch (error: unknown) {
        console.error(
          `${step.name} did not close in order: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  };
  const shutdown: Shutdown = {
    add: (name, closeStep) => void steps.push({ name, close: closeStep }),
    run: () => (running ??= close()),
    exit(code, message) {
      if (running) return;
      if (message !== undefined) console.error(message);
      const limit = setTimeout(() => process.exit(code || 1), LIMIT_MS);
      void shutdown.run().finally(() => {
        clearTimeout(limit);
        process.exit(code);
      });
    },
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // npm passes a terminal's Ctrl-C on although we had it already: only a later one is a person's second wish.
      if (running && Date.now() - startedAt > 1_000) process.exit(1);
      startedAt ||= Date.now();
      shutdown.exit(0);
    });
  }
  let startedAt = 0;
  const { parent } = options;
  if (parent) {
    setInterval(() => {
      if (!isAlive(parent)) shutdown.exit(1, 'The process that started this one is gone; stopping.');
    }, PARENT_POLL_MS).unref();
  }
  return shutdown;
}
