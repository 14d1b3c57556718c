/**
 * Handles turns that nobody watches: rows of starts that failed, turns that were stopped from outside, decisions whose
 * signal was lost. Several APIs may sweep at the same time, because every action is idempotent.
 */
import { listUnheardDecisions, type UnheardDecision } from '../../db/turns/confirmations.ts';
import { listOldOpenTurns, type OpenTurn } from '../../db/turns/open-turns.ts';
import { createPauses } from './pauses.ts';
import { SWEEP_OLDER_THAN_MS, settleTurn } from './settle-turn.ts';
import type { TurnControlOptions } from './turn-control-options.ts';
import { wake } from './turn-workflow.ts';

/** The pause between two passes. The jitter keeps several APIs from sweeping at the same moments. */
const PASS_EVERY_MS = 15_000;
const PASS_JITTER_MS = 10_000;
/** The first pass also checks the namespace after the start. A chat that arrives earlier makes its own check. */
const FIRST_PASS_MS = 5_000;
const PAGE = 200;
const AT_ONCE = 8;
/** A pass that has taken this long stops after its page. The next pass goes on there. */
const PASS_BUDGET_MS = 30_000;
/** After this time the sweeper goes on with the next turn. The work on the turn itself continues. */
const TURN_LIMIT_MS = 10_000;
/** A decision without an effect after this time is unheard: the signal was lost, or no worker runs. */
const UNHEARD_AFTER_MS = 5_000;

const FIRST_PAUSE_MS = 20_000;
const FAILED_TURN_PAUSE_MS = 600_000;
/** A delivered signal is in the workflow's history. It is sent again only for the case that the history was lost. */
const DELIVERED_PAUSE_MS = 3_600_000;
const UNDELIVERED_PAUSE_MS = 60_000;
const MAX_PAUSES = 10_000;

export interface Sweeper {
  /** Looks at every open turn and every unheard decision once. Never throws. Passes do not overlap. */
  pass(): Promise<void>;
  /** Stops the timer: no further pass begins by itself. */
  close(): void;
}

/** Creates the sweeper. Without `start`, a pass runs only when it is called. */
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
      options.onFinding?.('failed');
      logger.warn({ err: error, turn: turn.id }, 'an open turn could not be checked');
    }
  };
  const tell = async ({ turnId, sessionId, callId }: UnheardDecision): Promise<void> => {
    const key = `${turnId} ${callId}`;
    if (!decisionPauses.isDue(key)) return;
    let delivered = false;
    try {
      delivered = await withinLimit(wake(options, { id: turnId, sessionId }, callId));
      if (delivered) options.onFinding?.('decision_sent');
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
      // In another namespace no turn would be found, and no workflow would receive a signal.
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

/** Creates a walk over all pages, a few items at a time. When its time is up, the next call goes on after the last page. */
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
