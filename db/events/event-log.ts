/**
 * The write side of the event log. A worker process has one writer. It flushes the pending events of all its turns in one
 * statement. The next flush starts when the previous one is done, and FLUSH_GAP_MS after it started at the earliest. So the
 * first delta is written at once, and later deltas gather. An append resolves when its events are durable.
 *
 * When the answer to a flush is lost, the flush is sent again until it is answered. `written` on the claim counts the
 * events of its epoch, so no event is stored twice. Events of a fence that no longer holds reject with FencedError.
 *
 * When another transaction holds a turn's rows, the turn's events are set aside in their order, and the other turns are
 * written. The writer asks in growing pauses whether the rows are free. No connection waits for the lock.
 *
 * One file, because the queue, the events set aside and the two timers are one state machine.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { POSTGRES_FLUSH } from '../../runtime/bounds.ts';
import { type EventStream, openStream, type EventQueue, type Pending } from './event-stream.ts';
import { claimOf, findHeldTurns, flushEvents } from './flush-events.ts';
import { isConnectionError, isTransient } from '../connection/pg-errors.ts';
import { createPool } from '../connection/pg-pool.ts';
import { type Fence, FencedError } from '../fence.ts';

// NOTIFY carries less than 8,000 bytes: at most 216 ids with their commas.
const MAX_TURNS_PER_FLUSH = 200;
const MAX_EVENTS_PER_FLUSH = 2_000;
const RETRY_DELAY_MS = 200;
/** The first and the longest pause before the writer asks again whether held rows are free. */
const HELD_PAUSE_MS = 100;
const MAX_HELD_PAUSE_MS = 1_000;
const CLOSE_MS = 1_000;
/** From the start of a flush to the start of the next. A flush costs 0.25 ms of processor time, whatever its size. */
const FLUSH_GAP_MS = 8;

export interface EventLog {
  open(fence: Fence): EventStream;
  /** How many events wait to be written. */
  backlog(): number;
  /** Flushes what is pending, for at most a second, then closes the connections. Events that remain reject. */
  close(): Promise<void>;
}

/**
 * Creates the writer. `onError` is called for every transient database error, which the writer retries by itself; `onFlush`
 * for every statement that was answered, with its duration and the number of its events.
 */
export function createEventLog(options: {
  databaseUrl: string;
  onError: (error: unknown) => void;
  onFlush?: (seconds: number, events: number) => void;
}): EventLog {
  const pool = createPool(
    {
      connectionString: options.databaseUrl,
      // One connection writes; the other asks whether held rows are free.
      max: 2,
      application_name: 'copilot-event-log',
      bounds: POSTGRES_FLUSH,
    },
    options.onError,
  );
  let pending: Pending[] = [];
  /** Events set aside because another transaction holds their turn's rows, by turn id. */
  const held = new Map<string, Pending[]>();
  let heldPauseMs = HELD_PAUSE_MS;
  let heldTimer: NodeJS.Timeout | null = null;
  let flushing: Promise<void> | null = null;
  let closing = false;
  let lastFlush = 0;
  let hurry: (() => void) | null = null;
  /** How many callers wait in drain(). While there are any, flushes start without the gap. */
  let draining = 0;

  const gather = async (): Promise<void> => {
    const wait = lastFlush + FLUSH_GAP_MS - performance.now();
    if (wait >= 1 && draining === 0 && !closing) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        hurry = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      hurry = null;
    }
    lastFlush = performance.now();
  };

  const flush = async (): Promise<void> => {
    while (pending.length > 0) {
      await gather();
      await write(takeBatch());
    }
  };

  const takeBatch = (): Pending[] => {
    if (held.size > 0) setAside((item) => held.has(item.fence.turnId));
    const turns = new Set<string>();
    let end = 0;
    for (const item of pending) {
      turns.add(item.fence.turnId);
      if (turns.size > MAX_TURNS_PER_FLUSH || end === MAX_EVENTS_PER_FLUSH) break;
      end += 1;
    }
    const batch = pending.slice(0, end);
    pending = pending.slice(end);
    for (const item of batch) item.taken = true;
    return batch;
  };

  /** Writes a batch and settles its appends. Events of turns whose rows are held are set aside instead. */
  const write = async (batch: Pending[]): Promise<void> => {
    while (batch.length > 0) {
      try {
        const startedAt = performance.now();
        const accepted = await flushEvents(pool, batch);
        options.onFlush?.((performance.now() - startedAt) / 1_000, batch.length);
        settle(batch, ({ fence }) => (accepted.has(claimOf(fence)) ? null : new FencedError(fence)));
        return;
      } catch (error: unknown) {
        if (!isTransient(error)) {
          // One turn's events are at fault. Each turn is written alone, so that only the faulty one's appends reject.
          const turns = Map.groupBy(batch, ({ fence }) => fence.turnId);
          if (turns.size === 1) return settle(batch, () => error);
          for (const items of turns.values()) await write(items);
          return;
        }
        options.onError(error);
        if (closing) return settle(batch, () => new Error('the event log is closed'));
        if (isConnectionError(error)) await delay(RETRY_DELAY_MS);
        else batch = await withoutHeld(batch);
      }
    }
  };

  /** Sets the turns of a batch aside whose rows are held. Returns the rest of the batch. */
  const withoutHeld = async (batch: Pending[]): Promise<Pending[]> => {
    const turns = await findHeldTurns(pool, batch).catch((error: unknown) => {
      options.onError(error);
      return new Set<string>();
    });
    if (turns.size === 0) {
      await delay(RETRY_DELAY_MS / 4);
      return batch;
    }
    const isHeld = ({ fence }: Pending): boolean => turns.has(fence.turnId);
    pending = [...batch.filter(isHeld), ...pending];
    heldPauseMs = HELD_PAUSE_MS;
    setAside(isHeld);
    return batch.filter((item) => !isHeld(item));
  };

  /** Moves events from the queue to `held` and starts the timer that asks whether their turns are free. */
  const setAside = (isHeld: (item: Pending) => boolean): void => {
    for (const item of pending.filter(isHeld)) {
      const waiting = held.get(item.fence.turnId);
      if (waiting) waiting.push(item);
      else held.set(item.fence.turnId, [item]);
    }
    pending = pending.filter((item) => !isHeld(item));
    heldTimer ??= setTimeout(() => void lookAtHeld(), heldPauseMs);
  };

  const lookAtHeld = async (): Promise<void> => {
    const items = [...held.values()].flat();
    const turns = await findHeldTurns(pool, items).catch(() => new Set(held.keys()));
    heldTimer = null;
    heldPauseMs = Math.min(heldPauseMs * 2, MAX_HELD_PAUSE_MS);
    for (const [turnId, waiting] of held) {
      if (turns.has(turnId)) continue;
      held.delete(turnId);
      pending = [...waiting, ...pending];
    }
    if (held.size > 0 && !closing) heldTimer = setTimeout(() => void lookAtHeld(), heldPauseMs);
    if (pending.length > 0) kick();
  };

  const kick = (): void => {
    flushing ??= flush().finally(() => {
      flushing = null;
      if (pending.length > 0 && !closing) kick();
    });
  };

  const queue: EventQueue = {
    push: (item) => pending.push(item),
    kick,
    async hurryFor(wait) {
      draining += 1;
      hurry?.();
      await wait;
      draining -= 1;
    },
  };

  return {
    open: (fence) => openStream(fence, queue),
    backlog: () => [...held.values()].reduce((sum, items) => sum + items.length, pending.length),
    async close() {
      const deadline = delay(CLOSE_MS, undefined, { ref: false });
      hurry?.();
      await Promise.race([flushing, deadline]);
      closing = true;
      await Promise.race([flushing, deadline]);
      if (heldTimer) clearTimeout(heldTimer);
      settle([...held.values()].flat(), () => new Error('the event log is closed'));
      await Promise.race([pool.end(), delay(CLOSE_MS)]);
    },
  };
}

/** Settles the appends of these events: rejects with what `failure` returns, or resolves when that is null. */
function settle(items: readonly Pending[], failure: (item: Pending) => unknown): void {
  for (const item of items) {
    const error = failure(item);
    for (const { resolve, reject } of item.settle) {
      if (error === null) resolve();
      else reject(error);
    }
  }
}
