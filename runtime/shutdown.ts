/**
 * An orderly end: whoever creates a resource registers how it closes, and they close in reverse order.
 *
 * A shutdown takes 10 s at most, whatever hangs. All steps of this process share 4.5 s; a step that still runs then is
 * abandoned. A supervised server has 4 s of its own, in which its stop escalates to SIGKILL, so no server outlives the
 * process.
 */
import { isAlive, type ProcessIdentity } from './process-identity.ts';

const LIMIT_MS = 9_500;
/** The time that all steps without a limit of their own share. */
const OWN_STEPS_MS = 4_500;
/** The time of a step that begins when the shared time is used up. */
const LAST_CHANCE_MS = 50;
const PARENT_POLL_MS = 400;

export interface Shutdown {
  /** Registers a closing step. `limitMs`: its own time; without one it shares that of all others. */
  add(name: string, close: () => Promise<void> | void, limitMs?: number): void;
  /** Runs the steps, last first, each once. Resolves when all are done. */
  run(): Promise<void>;
  /** Closes everything and exits. */
  exit(code: number, message?: string): void;
}

/**
 * Creates the process's shutdown and installs it for SIGINT, SIGTERM and SIGHUP; a second signal exits at once.
 * `interruptedCode` is the exit code after a signal: 0 for a service, which a signal ends in order.
 */
export function installShutdown(options: {
  parent: ProcessIdentity | null;
  interruptedCode?: number;
}): Shutdown {
  const steps: { name: string; close: () => Promise<void> | void; limitMs: number | undefined }[] = [];
  let running: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const until = Date.now() + OWN_STEPS_MS;
    for (const step of steps.reverse()) {
      try {
        await within(step.limitMs ?? Math.max(LAST_CHANCE_MS, until - Date.now()), step.close());
      } catch (error: unknown) {
        console.error(
          `${step.name} did not close in order: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  };
  const shutdown: Shutdown = {
    add: (name, closeStep, limitMs) => void steps.push({ name, close: closeStep, limitMs }),
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
      // npm forwards a terminal's Ctrl-C that we have received already. Only a later signal is a second request.
      if (running && Date.now() - startedAt > 1_000) process.exit(1);
      startedAt ||= Date.now();
      shutdown.exit(options.interruptedCode ?? 0);
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

/** Waits for a closing step; fails when its time is over, and leaves it behind. */
async function within(ms: number, step: Promise<void> | void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it still hung after ${ms} ms`)), ms);
  });
  try {
    await Promise.race([step, over]);
  } finally {
    clearTimeout(timer);
  }
}
