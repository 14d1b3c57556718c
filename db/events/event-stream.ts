/** The queue of one claim's events before the event log's writer takes them. Deltas that wait are merged. */
import type { TurnEvent } from '../../contracts/events.ts';
import { STEP_SEPARATOR } from '../../contracts/names.ts';
import type { Fence } from '../fence.ts';
import type { NumberedEvent } from './flush-events.ts';

// Deltas that wait for a flush are merged into one event, up to this many characters.
const MAX_MERGED_DELTA_CHARS = 2_000;
/** How many characters of deltas a claim may have waiting before room() asks its caller to wait. */
const MAX_WAITING_CHARS = 1_000_000;

/** An event that waits to be written. */
export interface Pending extends NumberedEvent {
  /** Whether a batch holds the event. Nothing is merged into it after that. */
  taken: boolean;
  /** The appends to settle once the event is written. */
  settle: { resolve: () => void; reject: (error: unknown) => void }[];
}

/** Where one claim appends its events, in order. Opened once per claim. */
export interface EventStream {
  /**
   * Queues events. Resolves when they are durable, rejects with FencedError when the fence no longer holds. A caller may
   * leave the rejection unhandled, because drain() reports it too.
   */
  append(events: TurnEvent[]): Promise<void>;
  /** Resolves when everything appended before is durable; rejects with the first error. */
  drain(): Promise<void>;
  /** Null while there is room for more events; else a promise to await before the next append. It never rejects. */
  room(): Promise<void> | null;
}

/** What a stream needs of the writer. */
export interface EventQueue {
  push(item: Pending): void;
  /** Starts a flush unless one is under way. */
  kick(): void;
  /** Awaits `wait`; until then flushes start without the gap. `wait` must not reject. */
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
      // Handles the rejection, so that a caller may ignore the promise. drain() throws the failure.
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

/** Counts the characters of deltas only: all other events are few. */
function charsOf(events: readonly TurnEvent[]): number {
  let chars = 0;
  for (const event of events) if ('delta' in event) chars += event.delta.length;
  return chars;
}

/** Merges a delta into a waiting one of the same kind and step. Returns false when they must stay two events. */
function mergeDelta(waiting: TurnEvent, event: TurnEvent): boolean {
  if (event.event !== 'content_delta' && event.event !== 'reasoning_delta') return false;
  if (waiting.event !== event.event || waiting.step !== event.step) return false;
  // The separator between two steps stays a delta of its own.
  if (waiting.delta === STEP_SEPARATOR) return false;
  if (waiting.delta.length + event.delta.length > MAX_MERGED_DELTA_CHARS) return false;
  waiting.delta += event.delta;
  return true;
}
