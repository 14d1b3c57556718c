/**
 * The figures of the whole service on the metrics page: turns, model calls, tokens, cost, tool calls and confirmations of
 * all workers and APIs, read from Postgres. Every API shows the same, so do not add them up over instances.
 */
import type { Knex } from 'knex';
import { Counter, Gauge, Registry } from 'prom-client';
import type { TurnEndStatus } from '../../contracts/turn.ts';
import { answeredWithin } from '../../db/connection/pg-errors.ts';
import { type Count, countOpenWork, foldCounts, type OpenWork, readCounts } from '../../db/counts/counts.ts';
import { METRICS_READ_MS } from '../../runtime/bounds.ts';
import type { Logger } from '../../runtime/logger.ts';

/** The counters, by the name of their rows: the metric, its labels in the order of the rows, what it tells. */
const COUNTERS = {
  turns: ['copilot_turns_total', ['outcome'], 'Turns that have ended, by outcome.'],
  turn_ends: ['copilot_turn_ends_total', ['reason'], 'Turns that have ended, by stop reason or error code.'],
  model_calls: ['copilot_model_calls_total', ['model', 'result'], 'Model calls, by model and result.'],
  model_tokens: [
    'copilot_model_tokens_total',
    ['model', 'kind'],
    'Tokens that providers reported. cached is a part of input, reasoning a part of output.',
  ],
  model_cost_usd: ['copilot_model_cost_usd_total', ['model'], 'Cost of model calls in US dollars, by model.'],
  tool_calls: ['copilot_tool_calls_total', ['tool', 'result'], 'Results of tool calls, by tool.'],
  confirmations: ['copilot_confirmations_total', ['decision'], 'Decided confirmations, by decision.'],
  confirmation_wait_seconds: [
    'copilot_confirmation_wait_seconds_total',
    ['decision'],
    'Seconds that confirmations waited for their decision.',
  ],
} as const satisfies Record<string, readonly [string, readonly string[], string]>;

const OUTCOMES: readonly TurnEndStatus[] = ['complete', 'cancelled', 'failed'];
/** The kinds of tokens that the triggers of the ledger count. */
const TOKEN_KINDS = ['input', 'cached', 'output', 'reasoning'];
const FOLD_EVERY_MS = 20_000;

export interface ServiceCounts {
  /** The figures as text. When Postgres does not answer, the last known ones; nothing before the first answer. */
  page(): Promise<string>;
  close(): void;
}

/** Creates the figures. `models` are shown with zeros before their first call. */
export function createServiceCounts(options: {
  db: Knex;
  models: readonly string[];
  logger: Logger;
}): ServiceCounts {
  const { db, logger } = options;
  const registry = new Registry();
  const registers = [registry];
  const counters = new Map(
    Object.entries(COUNTERS).map(([key, [name, labelNames, help]]) => [
      key,
      { labelNames, counter: new Counter<string>({ name, labelNames: [...labelNames], help, registers }) },
    ]),
  );
  const running = new Gauge({ name: 'copilot_turns_running', help: 'Turns that run now.', registers });
  const waiting = new Gauge({
    name: 'copilot_turns_waiting',
    help: 'Running turns that wait for a person.',
    registers,
  });
  const oldest = new Gauge({
    name: 'copilot_confirmation_oldest_seconds',
    help: 'How long the oldest open confirmation waits.',
    registers,
  });
  const isUp = new Gauge({
    name: 'copilot_counts_up',
    help: '1 when Postgres answered for the figures of the service, 0 when they are the last known ones.',
    registers,
  });
  let isKnown = false;

  const show = (counts: readonly Count[], open: OpenWork): void => {
    for (const { counter } of counters.values()) counter.reset();
    for (const outcome of OUTCOMES) counters.get('turns')!.counter.inc({ outcome }, 0);
    for (const model of options.models) {
      counters.get('model_calls')!.counter.inc({ model, result: 'ok' }, 0);
      for (const kind of TOKEN_KINDS) counters.get('model_tokens')!.counter.inc({ model, kind }, 0);
    }
    for (const { name, labels, value } of counts) {
      const known = counters.get(name);
      // A newer release may count what this one does not know.
      if (known?.labelNames.length !== labels.length) continue;
      known.counter.inc(Object.fromEntries(known.labelNames.map((label, at) => [label, labels[at]!])), value);
    }
    running.set(open.running);
    waiting.set(open.waiting);
    oldest.set(open.oldestQuestionSeconds);
    isKnown = true;
  };
  const read = createFreshRead(async () => {
    try {
      const work = Promise.all([readCounts(db), countOpenWork(db)]);
      show(...(await answeredWithin(METRICS_READ_MS, work)));
      isUp.set(1);
    } catch (error: unknown) {
      isUp.set(0);
      logger.debug({ err: error }, 'the figures of the service could not be read');
    }
  });
  const timer = setInterval(() => {
    foldCounts(db).catch((error: unknown) => logger.debug({ err: error }, 'the counts could not be folded'));
  }, FOLD_EVERY_MS).unref();

  return {
    async page() {
      await read();
      return isKnown ? registry.metrics() : registry.getSingleMetricAsString('copilot_counts_up');
    },
    close: () => clearInterval(timer),
  };
}

/**
 * Shares reads: at most one runs, and one waits. Everyone gets a read that began after the request for it, so that a page
 * shows all that happened before it was asked for.
 */
function createFreshRead(read: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const begin = (): Promise<void> => (running = read().finally(() => (running = null)));
  return () => {
    if (running === null) return begin();
    return (next ??= running.then(() => {
      next = null;
      return begin();
    }));
  };
}
