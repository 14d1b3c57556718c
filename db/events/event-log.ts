/**
 * The write side of the event log. A worker process has one writer: it flushes the pending events of all its turns in
 * one statement as soon as the previous flush is done, so the first delta goes at once and later ones gather while
 * the disk works, or for some milliseconds. An append resolves when its events are durable.
 *
 * A flush whose answer is lost (the server went away) is sent again until it is answered: `written` on the claim
 * says which events of an epoch are there already, so nothing is doubled. Events of a fence that no longer holds
 * reject with FencedError.
 *
 * A turn whose rows somebody else holds is set aside, and the others are written without it. Its events stay in their
 * order until its rows are free; it is looked at in growing pauses, and nothing waits in the database meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TurnEvent } from '../../contracts/events.ts';
import { STEP_SEPARATOR } from '../../contracts/names.ts';
import { POSTGRES_FLUSH } from '../../runtime/bounds.ts';
import { claimOf, findHeldTurns, flushEvents, type NumberedEvent } from './flush-events.ts';
import { isConnectionError, isTransient } from '../connection/pg-errors.ts';
import { createPool } from '../connection/pg-pool.ts';
import { type Fence, FencedError } from '../turns/turns.ts';

// NOTIFY carries at most 8,000 bytes, which is 216 ids with their commas.
const MAX_TURNS_PER_FLUSH = 200;
const MAX_EVENTS_PER_FLUSH = 2_000;
const RETRY_DELAY_MS = 200;
/** Pauses between two looks at turns that are held: the first, and the longest. */
const HELD_PAUSE_MS = 100;
const MAX_HELD_PAUSE_MS = 1_000;
const CLOSE_MS = 1_000;
/** Between the beginnings of two flushes: each costs a quarter of a millisecond of processor time, however full. */
const FLUSH_GAP_MS = 8;

// Tokens that gather while a flush is under way become one event, up to this many characters.
const MAX_MERGED_DELTA_CHARS = 2_000;
/** Of one claim, while the database is away; no answer of a model is as long. */
const MAX_WAITING_CHARS = 1_000_000;

interface Pending extends NumberedEvent {
  taken: boolean;
  settle: { resolve: () => void; reject: (error: unknown) => void }[];
}

/** The events of one claim, in order. Made once per claim; not usable after its activity ended. */
export interface EventStream {
  /** Queues events; resolves when they are durable. Rejects with FencedError. A rejection may be left unhandled. */
  append(events: TurnEvent[]): Promise<void>;
  /** Resolves when everything appended before is durable; rejects with the first error. */
  drain(): Promise<void>;
  /** Null while little waits to be written; else what to wait for before more is appended. Never rejects. */
  room(): Promise<void> | null;
}

export interface EventLog {
  open(fence: Fence): EventStream;
  /** Flushes what is pending (waiting at most a second) and closes the connection. */
  close(): Promise<void>;
}

/** `onError` hears of connection trouble; the writer heals by itself. */
export function createEventLog(options: {
  databaseUrl: string;
  onError: (error: unknown) => void;
}): EventLog {
  const pool = createPool(
    {
      connectionString: options.databaseUrl,
      // One writes; the other looks at turns that were set aside.
      max: 2,
      application_name: 'copilot-event-log',
      bounds: POSTGRES_FLUSH,
    },
    options.onError,
  );
  let pending: Pending[] = [];
  /** What waits for a turn whose rows somebody holds, by the turn. */
  const held = new Map<string, Pending[]>();
  let heldPauseMs = HELD_PAUSE_MS;
  let heldTimer: NodeJS.Timeout | null = null;
  let flushing: Promise<void> | null = null;
  let closing = false;
  let lastFlush = 0;
  let hurry: (() => void) | null = null;
  /** How many wait for the end of what they appended: then there is nothing to gather for. */
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

  /** Writes a batch and tells those who wait for it. Events of turns that are held go back to the queue. */
  const write = async (batch: Pending[]): Promise<void> => {
    while (batch.length > 0) {
      try {
        const accepted = await flushEvents(pool, batch);
        settle(batch, ({ fence }) => (accepted.has(claimOf(fence)) ? null : new FencedError(fence)));
        return;
      } catch (error: unknown) {
        if (!isTransient(error)) {
          // A defect of one turn's events: whoever appended them must hear of it, and nobody else.
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

  /** The batch without the turns that somebody holds, which are set aside. */
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

  /** Moves events out of the queue until their turns are free. */
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

  return {
    open(fence) {
      let idx = 0;
      let tail: Pending | null = null;
      let last: Promise<void> = Promise.resolve();
      let failure: { error: unknown } | null = null;
      let waitingChars = 0;
      const add = (event: TurnEvent): Pending => {
        if (tail && !tail.taken && mergeDelta(tail.event, event)) return tail;
        tail = { fence, idx: (idx += 1), event: { ...event }, taken: false, settle: [] };
        pending.push(tail);
        return tail;
      };
      return {
        append(events) {
          if (failure) return Promise.reject(failure.error);
          if (events.length === 0) return last;
          const chars = charsOf(events);
          waitingChars += chars;
          const done = new Promise<void>((resolve, reject) => {
            const items = events.map(add);
            items.at(-1)!.settle.push({ resolve, reject });
          });
          last = done;
          // Whoever drains hears of it; a caller that only streams need not.
          done.catch((error: unknown) => (failure ??= { error })).finally(() => (waitingChars -= chars));
          kick();
          return done;
        },
        async drain() {
          draining += 1;
          hurry?.();
          await last.catch(() => undefined);
          draining -= 1;
          if (failure) throw failure.error;
        },
        room: () => (waitingChars <= MAX_WAITING_CHARS ? null : last.catch(() => undefined)),
      };
    },
    async close() {
      const deadline = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref());
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

/** Of the texts that a model streams; all other events are few. */
function charsOf(events: readonly TurnEvent[]): number {
  let chars = 0;
  for (const event of events) if ('delta' in event) chars += event.delta.length;
  return chars;
}

/** Adds a delta to a waiting one of the same kind and step. False when they can't be one event. */
function mergeDelta(waiting: TurnEvent, event: TurnEvent): boolean {
  if (event.event !== 'content_delta' && event.event !== 'reasoning_delta') return false;
  if (waiting.event !== event.event || waiting.step !== event.step) return false;
  // The line breaks between two steps are a delta of their own.
  if (waiting.delta === STEP_SEPARATOR) return false;
  if (waiting.delta.length + event.delta.length > MAX_MERGED_DELTA_CHARS) return false;
  waiting.delta += event.delta;
  return true;
}

/** Tells whoever waits for these events; `failure` says what is wrong with one, null: nothing. */
function settle(items: readonly Pending[], failure: (item: Pending) => unknown): void {
  for (const item of items) {
    const error = failure(item);
    for (const { resolve, reject } of item.settle) {
      if (error === null) resolve();
      else reject(error);
    }
  }
}
