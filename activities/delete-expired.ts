/** deleteExpired: deletes what is older than the schedule of retention allows. */
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { RetentionInput, RetentionResult } from '../contracts/retention.ts';
import type { RetentionStore } from '../db/retention-store.ts';
import type { AfterStatement, ExpiredTurn } from '../db/turns/purge-turn.ts';
import type { Logger } from '../runtime/logger.ts';
import { toCancellation } from './attempt/attempt.ts';

/** An attempt stops after this time. The workflow makes the next one while there is more to delete. */
const BUDGET_MS = 20_000;
const PAGE = 100;
/** Between statements the attempt rests three times as long as they took, so that it takes a quarter of one processor. */
const REST_FACTOR = 3;
/** Shorter rests are added up: a timer for each of them would take longer than the rest. */
const MIN_REST_MS = 5;

/** Creates the activity of retention. */
export function createRetentionActivities({ store, logger }: { store: RetentionStore; logger: Logger }) {
  return {
    /**
     * Purges expired turns and deletes idle sessions until nothing is left or the time is up; `more` says which. Each
     * statement is whole in itself, so an attempt may be cancelled or die at any moment, and the next one goes on.
     */
    async deleteExpired(input: RetentionInput): Promise<RetentionResult & { more: boolean }> {
      const run = createRun(store, logger);
      if (input.eventsMs !== null) await run.purgeTurns(input.eventsMs);
      if (input.sessionsMs !== null) await run.deleteSessions(input.sessionsMs);
      if (run.done.turns + run.done.sessions > 0)
        logger.info(run.done, 'old turns and sessions were deleted');
      return { ...run.done, more: run.isTimeUp() };
    },
  };
}

function createRun(store: RetentionStore, logger: Logger) {
  const context = Context.current();
  const until = performance.now() + BUDGET_MS;
  const done: RetentionResult = { turns: 0, sessions: 0 };
  const isTimeUp = (): boolean => performance.now() >= until;
  let restMs = 0;

  const rest: AfterStatement = async (tookMs) => {
    context.heartbeat(done);
    if (context.cancellationSignal.aborted) throw toCancellation(context);
    restMs += tookMs * REST_FACTOR;
    if (restMs < MIN_REST_MS) return;
    const ms = restMs;
    restMs = 0;
    await delay(ms, undefined, { signal: context.cancellationSignal }).catch(() => undefined);
  };
  /** Works on one item. A fault of its rows does not keep the others from being deleted. */
  const attempt = async (item: Record<string, string>, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error: unknown) {
      if (context.cancellationSignal.aborted || store.isTransient(error)) throw error;
      logger.error({ err: error, ...item }, 'old data could not be deleted; the next run tries again');
    }
  };

  const purgeTurns = async (olderThanMs: number): Promise<void> => {
    const expired = itemsOf<ExpiredTurn>((page) => store.listExpiredTurns({ olderThanMs, ...page }));
    for await (const turn of expired) {
      if (isTimeUp()) return;
      await attempt({ turn: turn.id }, async () => {
        if (await store.purgeTurn(turn.id, rest)) done.turns += 1;
      });
    }
  };

  const deleteSessions = async (idleMs: number): Promise<void> => {
    for await (const sessionId of itemsOf<string>((page) => store.listIdleSessions({ idleMs, ...page }))) {
      if (isTimeUp()) return;
      await attempt({ session: sessionId }, async () => {
        // First, in small statements, so that the deletion of the session itself finds few rows. A session that is used
        // again meanwhile keeps the turns that are left.
        for (;;) {
          const turnId = await store.findUnpurgedTurn({ sessionId, idleMs });
          if (turnId === null) break;
          if (isTimeUp() || !(await store.purgeTurn(turnId, rest))) return;
        }
        if (await store.deleteIdleSession({ sessionId, idleMs })) done.sessions += 1;
      });
    }
  };

  return { done, isTimeUp, purgeTurns, deleteSessions };
}

/** The items of a listing, which is read page by page. `after` is the last item of the page before. */
async function* itemsOf<Item>(
  list: (page: { limit: number; after: Item | null }) => Promise<Item[]>,
): AsyncGenerator<Item> {
  let page: Item[] = [];
  do {
    page = await list({ limit: PAGE, after: page.at(-1) ?? null });
    yield* page;
  } while (page.length === PAGE);
}
