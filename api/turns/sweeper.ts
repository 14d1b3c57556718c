/**
 * Looks after turns that nobody watches: rows of starts that never happened, turns that were stopped from outside,
 * decisions whose signal was lost. Several APIs may do so at once: each act changes nothing the second time.
 */
import { listUnheardDecisions, type UnheardDecision } from '../../db/turns/confirmations.ts';
import { listOldOpenTurns, type OpenTurn } from '../../db/turns/open-turns.ts';
import { createPauses } from './pauses.ts';
import { SWEEP_OLDER_THAN_MS, settleTurn } from './settle-turn.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { wake } from './turn-workflow.ts';

/** The pause between two passes: as much again at most, so that several APIs do not keep in step. */
const PASS_EVERY_MS = 15_000;
const PASS_JITTER_MS = 10_000;
/** The first pass is also the check of the namespace at the start. A chat that comes before makes its own. */
const FIRST_PASS_MS = 5_000;
const PAGE = 200;
const AT_ONCE = 8;
/** A pass that has taken this long stops after its page; the next one goes on there. */
const PASS_BUDGET_MS = 30_000;
/** How long one turn may hold one of the places. What it does goes on by itself. */
const TURN_LIMIT_MS = 10_000;
/** A decision is acted upon within milliseconds unless its signal was lost or no worker is there. */
const UNHEARD_AFTER_MS = 5_000;

const FIRST_PAUSE_MS = 20_000;
const FAILED_TURN_PAUSE_MS = 600_000;
/** A delivered signal is in the workflow's history: to send it again is of use only where the history was lost. */
const DELIVERED_PAUSE_MS = 3_600_000;
const UNDELIVERED_PAUSE_MS = 60_000;
const MAX_PAUSES = 10_000;

export interface Sweeper {
  /** Looks at every open turn and every unheard decision once. Never throws. Passes do not overlap. */
  pass(): Promise<void>;
  /** No further pass begins by itself. */
  close(): void;
}

/** `start` false: passes are made only when asked for. */
export function createSweeper(
  options: TurnControlOptions,
  { start, now }: { start: boolean; now?: () => number },
): Sweeper {
  const { db, logger, identity } = options;
  const settings = { firstMs: FIRST_PAUSE_MS, maxEntries: MAX_PAUSES, ...(now ? { now } : {}) };
  const turnPauses = createPauses(settings);
  const decisionPauses = createPauses(settings);

  const lookAt = async (turn: OpenTurn): Promise<void> => {
    if (!turnPauses.isDue(turn.id)) return;
    try {
      await withinLimit(settleTurn(options, turn));
      turnPauses.forget(turn.id);
    } catch (error: unknown) {
      turnPauses.grow(turn.id, FAILED_TURN_PAUSE_MS);
      logger.warn({ err: error, turn: turn.id }, 'an open turn could not be checked');
    }
  };
  const tell = async ({ turnId, sessionId, callId }: UnheardDecision): Promise<void> => {
    const key = `${turnId} ${callId}`;
    if (!decisionPauses.isDue(key)) return;
    let delivered = false;
    try {
      delivered = await withinLimit(wake(options, { id: turnId, sessionId }, callId));
    } catch (error: unknown) {
      logger.warn({ err: error, turn: turnId }, 'a turn could not be told of a decision');
    }
    decisionPauses.grow(key, delivered ? DELIVERED_PAUSE_MS : UNDELIVERED_PAUSE_MS);
  };
  const turns = createWalk<OpenTurn>(
    (after) => listOldOpenTurns(db, { olderThanMs: SWEEP_OLDER_THAN_MS, limit: PAGE, after }),
    lookAt,
  );
  const decisions = createWalk<UnheardDecision>(
    (after) => listUnheardDecisions(db, { olderThanMs: UNHEARD_AFTER_MS, limit: PAGE, after }),
    tell,
  );

  const walk = async (): Promise<void> => {
    try {
      // In another namespace no turn is found, and nobody hears a signal.
      if ((await identity.verify()) !== null) return;
    } catch (error: unknown) {
      logger.warn({ err: error }, 'open turns could not be checked');
      return;
    }
    for (const result of await Promise.allSettled([turns(), decisions()])) {
      if (result.status === 'rejected')
        logger.warn({ err: result.reason as unknown }, 'open turns could not be listed');
    }
  };
  let running: Promise<void> | null = null;
  const pass = (): Promise<void> => (running ??= walk().finally(() => (running = null)));

  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  const arm = (delayMs: number): void => {
    if (closed) return;
    timer = setTimeout(() => void passAndArm(), delayMs);
    timer.unref();
  };
  const passAndArm = async (): Promise<void> => {
    await pass();
    arm(PASS_EVERY_MS + Math.random() * PASS_JITTER_MS);
  };
  if (start) arm(FIRST_PASS_MS);
  return {
    pass,
    close() {
      closed = true;
      if (timer) clearTimeout(timer);
    },
  };
}

/** A walk over all pages, a few items at a time. One that runs out of time is gone on with by the next call. */
function createWalk<Item>(
  list: (after: Item | null) => Promise<Item[]>,
  visit: (item: Item) => Promise<void>,
): () => Promise<void> {
  let after: Item | null = null;
  return async () => {
    const until = performance.now() + PASS_BUDGET_MS;
    do {
      const page: Item[] = await list(after);
      const items = page.values();
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (const item of items) await visit(item);
        }),
      );
      after = page.length < PAGE ? null : page.at(-1)!;
    } while (after !== null && performance.now() < until);
  };
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error('no end in time')), TURN_LIMIT_MS);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
