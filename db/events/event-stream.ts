/** The events of one claim on their way to the writer of the event log: in order, merged while they wait. */
import type { TurnEvent } from '../../contracts/events.ts';
import { STEP_SEPARATOR } from '../../contracts/names.ts';
import type { Fence } from '../fence.ts';
import type { NumberedEvent } from './flush-events.ts';

// Tokens that gather while a flush is under way become one event, up to this many characters.
const MAX_MERGED_DELTA_CHARS = 2_000;
/** What one claim may have waiting while the database is away; no answer of a model is as long. */
const MAX_WAITING_CHARS = 1_000_000;

/** An event that waits to be written. */
export interface Pending extends NumberedEvent {
  /** Whether a batch holds it already: nothing is merged into it any more. */
  taken: boolean;
  /** Those who wait for it. */
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

/** The writer as a stream sees it. */
export interface EventQueue {
  push(item: Pending): void;
  /** Starts a flush unless one is under way. */
  kick(): void;
  /** Waits, and has the writer gather nothing meanwhile. The promise must not reject. */
  hurryFor(wait: Promise<void>): Promise<void>;
}

/** Opens the stream of a claim. */
export function openStream(fence: Fence, queue: EventQueue): EventStream {
  let idx = 0;
  let tail: Pending | null = null;
  let last: Promise<void> = Promise.resolve();
  let failure: { error: unknown } | null = null;
  let waitingChars = 0;
  const add = (event: TurnEvent): Pending => {
    if (tail && !tail.taken && mergeDelta(tail.event, event)) return tail;
    tail = { fence, idx: (idx += 1), event: { ...event }, taken: false, settle: [] };
    queue.push(tail);
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
      // A drain rejects with the failure; a caller that only streams need not handle it.
      done.catch((error: unknown) => (failure ??= { error })).finally(() => (waitingChars -= chars));
      queue.kick();
      return done;
    },
    async drain() {
      await queue.hurryFor(last.catch(() => undefined));
      if (failure) throw failure.error;
    },
    room: () => (waitingChars <= MAX_WAITING_CHARS ? null : last.catch(() => undefined)),
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
