/**
 * An orderly shutdown. The code that creates a resource registers how to close it; resources close in reverse order.
 *
 * A shutdown takes less than 10 s, whatever hangs. Steps without a limit share 4.5 s; a step that takes longer is
 * abandoned. Each embedded server has 4 s of its own, in which its stop escalates to SIGKILL, so no server outlives the
 * process.
 */
import { isAlive, type ProcessIdentity } from './process-identity.ts';

const LIMIT_MS = 9_500;
/** The time that all steps without a limit share. */
const OWN_STEPS_MS = 4_500;
/** The time of a step that begins when the shared time is used up. */
const LAST_CHANCE_MS = 50;
const PARENT_POLL_MS = 400;

export interface Shutdown {
  /** Registers a closing step. With `limitMs` the step has its own time; otherwise it shares OWN_STEPS_MS. */
  add(name: string, close: () => Promise<void> | void, limitMs?: number): void;
  /** Runs each step once, the last one first. Resolves when all are done. */
  run(): Promise<void>;
  /** Runs the steps and exits. Does nothing when the steps run already. */
  exit(code: number, message?: string): void;
}

/**
 * Creates the process's shutdown and installs it for SIGINT, SIGTERM and SIGHUP. A signal that comes more than a second
 * after the first exits at once. `interruptedCode` is the exit code after a signal; the default 0 is for services, which
 * end by a signal. When `parent` is gone, the process shuts down too.
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
          `${step.name} did not close properly: ${error instanceof Error ? error.message : String(error)}`,
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
      // On Ctrl-C the terminal signals this process, and npm sends the signal again. Only a later signal is a new request.
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

/** Waits for a closing step. Rejects after `ms` and abandons the step. */
async function within(ms: number, step: Promise<void> | void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not closed after ${ms} ms`)), ms);
  });
  try {
    await Promise.race([step, over]);
  } finally {
    clearTimeout(timer);
  }
}
