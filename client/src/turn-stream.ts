/** The events of a turn, over as many connections as this takes. */
import { CopilotError } from './errors.ts';
import { pause, pauseBefore } from './pause.ts';
import { readEvents, type WireEvent } from './read-events.ts';
import type { ConnectionOptions } from './request.ts';
import type { TurnEvent } from './types.ts';

export interface StreamOptions {
  /** Ends the iteration without an error. The turn goes on. */
  signal?: AbortSignal;
  /** Told when a connection stands and when one is lost. */
  onConnection?: (state: 'connected' | 'reconnecting') => void;
}

/** A failure after which the stream comes back. */
export interface Retry {
  /** Failures in a row without a new event, this one included. */
  attempt: number;
  delayMs: number;
  error: CopilotError;
}

export interface StreamConnection extends ConnectionOptions {
  /** Told before each pause of a stream. */
  onRetry?: (retry: Retry) => void;
}

/** Where a turn is read from. */
export interface TurnSource {
  /** The seq of the last event that was seen. */
  after: number;
  /** Opens a connection; the events that it brings have seqs above `after`. */
  open(after: number, signal: AbortSignal): Promise<Response>;
  /** Told which turn is read, as soon as an answer says so. */
  onTurn(turnId: string): void;
  /**
   * Asked after an error; may change where the next connection is opened, and says when: at once, or after a pause (at most
   * a few times in a row). Null: the error decides.
   */
  onError?(error: CopilotError, seen: number, signal: AbortSignal): Promise<'now' | 'later' | null>;
}

/** Failures of the service that may last: after so many in a row they are final. */
const MAX_FAULTS = 5;
const DEFAULT_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
/** A connection that stood for so long did not fail: nothing had happened in the turn. */
const STOOD_MS = 30_000;

const EVENTS: Readonly<Record<TurnEvent['event'], true>> = {
  start: true,
  status: true,
  reasoning_delta: true,
  content_delta: true,
  content_reset: true,
  tool_call: true,
  tool_result: true,
  confirmation_required: true,
  confirmation_resolved: true,
  complete: true,
  error: true,
};

/** An iteration that may be left at any time, also while its next event is waited for. */
export function streamTurn(
  connection: StreamConnection,
  source: TurnSource,
  options: StreamOptions,
): AsyncIterableIterator<TurnEvent> {
  const stop = new AbortController();
  const events = followTurn(connection, source, options, stop);
  return {
    next: () => events.next(),
    return() {
      stop.abort();
      return events.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* followTurn(
  connection: StreamConnection,
  source: TurnSource,
  options: StreamOptions,
  stop: AbortController,
): AsyncGenerator<TurnEvent, undefined> {
  const state: StreamState = {
    cursor: source.after,
    isCursorRead: false,
    retryMs: DEFAULT_RETRY_MS,
    failures: 0,
    faults: 0,
    emptyCloses: 0,
  };
  const onAbort = (): void => stop.abort();
  options.signal?.addEventListener('abort', onAbort);
  try {
    if (options.signal?.aborted === true) return undefined;
    while (!stop.signal.aborted) {
      let error: CopilotError;
      const startedAt = performance.now();
      try {
        if (yield* readConnection(source, options, stop.signal, state)) return undefined;
        error = new CopilotError('network', 'The stream was closed before the end of the turn');
      } catch (thrown: unknown) {
        if (stop.signal.aborted) return undefined;
        if (!(thrown instanceof CopilotError)) throw thrown;
        const verdict = (await source.onError?.(thrown, state.cursor, stop.signal)) ?? null;
        if (stop.signal.aborted) return undefined;
        if (verdict === 'now') continue;
        const isFault = verdict === 'later' || thrown.code === 'server_error' || isBroken(thrown);
        if (isFault) state.faults += 1;
        if (!(isFault || thrown.mayPass) || state.faults >= MAX_FAULTS) throw thrown;
        error = thrown;
      }
      if (stop.signal.aborted) return undefined;
      if (performance.now() - startedAt > STOOD_MS) state.failures = 0;
      const delayMs = pauseBefore({ ...state, retryAfterMs: error.retryAfterMs });
      state.failures += 1;
      options.onConnection?.('reconnecting');
      connection.onRetry?.({ attempt: state.failures, delayMs, error });
      await pause(delayMs, stop.signal);
    }
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
  return undefined;
}

interface StreamState {
  /** The seq of the last event that was given on. */
  cursor: number;
  /** Whether that event was given on by this iteration. It was not the last one then: the iteration would have ended. */
  isCursorRead: boolean;
  retryMs: number;
  failures: number;
  faults: number;
  /** Connections in a row that were closed in order and held no event. */
  emptyCloses: number;
}

/** The events of one connection. True when the turn has ended. */
async function* readConnection(
  source: TurnSource,
  options: StreamOptions,
  signal: AbortSignal,
  state: StreamState,
): AsyncGenerator<TurnEvent, boolean> {
  // Behind the last event of a turn there is an empty stream, as from a service that stops. One event back shows whether the
  // last one was seen; the whole turn shows it for a cursor that is beyond the end.
  const { cursor, emptyCloses } = state;
  const from = emptyCloses === 0 ? cursor : emptyCloses === 1 ? Math.max(0, cursor - 1) : 0;
  const response = await source.open(from, signal);
  const body = bodyOf(response);
  try {
    const turnId = response.headers.get('x-turn-id');
    if (turnId !== null) source.onTurn(turnId);
    options.onConnection?.('connected');
  } catch (error: unknown) {
    body.cancel().catch(() => undefined);
    throw error;
  }
  let last = from;
  const onRetry = (ms: number): void => void (state.retryMs = Math.max(1, Math.min(ms, MAX_RETRY_MS)));
  for await (const group of readEvents(body, { signal, onRetry })) {
    for (const event of group) {
      if (signal.aborted) return true;
      if (event.seq !== undefined) {
        if (event.seq > last + 1)
          throw new CopilotError('bad_answer', `The stream leaves out the event ${last + 1}`);
        last = Math.max(last, event.seq);
        state.emptyCloses = 0;
        if (event.seq <= state.cursor) {
          if (!isLast(event)) continue;
          // The service has shortened the stream of this old turn while it was read, so the end has a lower seq now.
          if (state.isCursorRead && isTurnEvent(event)) yield { ...event, seq: state.cursor + 1 };
          return true;
        }
        state.cursor = event.seq;
        state.isCursorRead = true;
        state.failures = 0;
        state.faults = 0;
      }
      if (!isTurnEvent(event)) continue;
      if (event.event === 'start' && typeof event.turn_id === 'string') source.onTurn(event.turn_id);
      yield event;
      if (isLast(event)) return true;
    }
  }
  if (last === from) state.emptyCloses = emptyCloses + 1;
  return false;
}

/** A stream that says what no stream of the service does: another connection may carry it whole. */
function isBroken({ code, status }: CopilotError): boolean {
  return code === 'bad_answer' && status === 0;
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
  if (response.body !== null && type.trim().toLowerCase() === 'text/event-stream') return response.body;
  response.body?.cancel().catch(() => undefined);
  throw new CopilotError('bad_answer', 'The answer is no event stream', { status: response.status });
}

function isTurnEvent(event: WireEvent): event is TurnEvent {
  return Object.hasOwn(EVENTS, event.event) && (event.seq !== undefined || event.event === 'status');
}

function isLast({ event }: WireEvent): boolean {
  return event === 'complete' || event === 'error';
}
