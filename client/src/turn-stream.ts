/** The events of a turn, over as many connections as this takes. */
import { CopilotError } from './errors.ts';
import { pause, pauseBefore } from './pause.ts';
import { readEvents, SILENCE_MS, type WireEvent } from './read-events.ts';
import { type ConnectionOptions, segment, send, sendJson } from './request.ts';
import type { Canvas, Turn, TurnEvent } from './types.ts';

export interface StreamOptions {
  /** Ends the iteration without an error. The turn goes on. */
  signal?: AbortSignal;
  /** Told when a connection stands and when it is lost. */
  onConnection?: (state: 'connected' | 'reconnecting') => void;
}

export interface EventsOptions extends StreamOptions {
  /** The seq of the last event that was seen; 0 by default. */
  after?: number;
}

export interface ChatOptions extends StreamOptions {
  /** Names this message: the same key never starts a second turn. Random by default. */
  idempotencyKey?: string;
  /** Where a turn of the session runs already, its events are read in place of an error. The message is not sent then. */
  joinRunning?: boolean;
  /** Told once which turn is read, and whether it was joined. */
  onTurn?: (turn: { turnId: string; joined: boolean }) => void;
}

export interface Retry {
  /** Tries in a row without a new event, this one included. */
  attempt: number;
  delayMs: number;
  error: CopilotError;
}

export interface StreamConnection extends ConnectionOptions {
  onRetry?: (retry: Retry) => void;
}

/** Starts at the events of a turn that is known, or at a message that begins one. */
export type StreamStart =
  | { turnId: string; after: number }
  | { message: string; workflowState: Canvas | undefined; options: ChatOptions };

/** Failures that may be the service's own and may last: after so many in a row they are final. */
const MAX_FAULTS = 5;
const DEFAULT_RETRY_MS = 1_000;

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

/** An iteration that can be left at any time, also while its next event is waited for. */
export function turnStream(
  connection: StreamConnection,
  sessionId: string,
  start: StreamStart,
  options: StreamOptions,
): AsyncIterableIterator<TurnEvent> {
  const stop = new AbortController();
  const follow = (): void => stop.abort();
  if (options.signal?.aborted === true) stop.abort();
  options.signal?.addEventListener('abort', follow);
  const unfollow = (): void => options.signal?.removeEventListener('abort', follow);
  const events = followTurn(connection, sessionId, start, options, stop, unfollow);
  return {
    next: () => events.next(),
    return() {
      stop.abort();
      unfollow();
      return events.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* followTurn(
  connection: StreamConnection,
  sessionId: string,
  start: StreamStart,
  options: StreamOptions,
  stop: AbortController,
  onEnd: () => void,
): AsyncGenerator<TurnEvent, undefined> {
  const session = `/api/copilot/sessions/${segment(sessionId)}`;
  const chat = 'message' in start ? start : null;
  const idempotencyKey = chat?.options.idempotencyKey ?? randomKey();
  let turnId = 'turnId' in start ? start.turnId : null;
  let cursor = 'turnId' in start ? start.after : 0;
  let retryMs = DEFAULT_RETRY_MS;
  let failures = 0;
  let faults = 0;
  let emptyCloses = 0;

  const open = (from: number, signal: AbortSignal): Promise<Response> =>
    turnId === null && chat !== null
      ? send(connection, {
          method: 'POST',
          path: `${session}/chat`,
          body: { message: chat.message, workflow_state: chat.workflowState },
          headers: { 'Idempotency-Key': idempotencyKey },
          signal,
        })
      : send(connection, {
          method: 'GET',
          path: `${session}/turns/${segment(turnId ?? '')}/events`,
          query: { after: from },
          headers: from === 0 ? {} : { 'Last-Event-ID': String(from) },
          signal,
        });
  const known = (id: string, joined: boolean): void => {
    if (turnId === null) chat?.options.onTurn?.({ turnId: id, joined });
    turnId = id;
  };

  try {
    while (!stop.signal.aborted) {
      // A cursor at the end of a turn that has ended gets an empty stream, and so does a reader whose service stops: going back
      // by one event shows the last one again, and going back to the start finds it whatever the cursor was.
      const from = emptyCloses === 0 ? cursor : emptyCloses === 1 ? Math.max(0, cursor - 1) : 0;
      let error: CopilotError;
      const attempt = linked(stop.signal);
      try {
        const response = await open(from, attempt.signal);
        const header = response.headers.get('x-turn-id');
        if (header !== null) known(header, false);
        options.onConnection?.('connected');
        let last = from;
        let heard = false;
        const onRetry = (ms: number): void => void (retryMs = Math.min(ms, 60_000));
        for await (const group of readEvents(bodyOf(response), { silenceMs: SILENCE_MS, onRetry })) {
          for (const event of group) {
            if (stop.signal.aborted) return undefined;
            if (event.seq !== undefined) {
              if (event.seq > last + 1)
                throw new CopilotError('bad_answer', `The stream leaves out the event ${last + 1}`);
              last = Math.max(last, event.seq);
              heard = true;
              if (event.seq <= cursor) {
                if (isLast(event)) return undefined;
                continue;
              }
              cursor = event.seq;
              failures = faults = 0;
            }
            if (!isTurnEvent(event)) continue;
            if (event.event === 'start') known(event.turn_id, false);
            yield event;
            if (isLast(event)) return undefined;
          }
        }
        emptyCloses = heard ? 0 : emptyCloses + 1;
        error = new CopilotError('network', 'The stream was closed before the end of the turn');
      } catch (thrown: unknown) {
        if (stop.signal.aborted) return undefined;
        if (!(thrown instanceof CopilotError)) throw thrown;
        if (turnId === null && chat?.options.joinRunning === true && thrown.code === 'turn_running') {
          const running = await runningTurn(connection, session, thrown, chat.options);
          if (running === null) throw thrown;
          known(running, true);
          continue;
        }
        if (thrown.code === 'server_error' || thrown.code === 'bad_answer') faults += 1;
        if (!passes(thrown, faults)) throw thrown;
        error = thrown;
      } finally {
        attempt.end();
      }
      const { retryAfterMs } = error;
      const delayMs = pauseBefore({ failures, retryMs, retryAfterMs });
      failures += 1;
      options.onConnection?.('reconnecting');
      connection.onRetry?.({ attempt: failures, delayMs, error });
      await pause(delayMs, stop.signal);
    }
  } finally {
    onEnd();
  }
  return undefined;
}

/** Whether a failure may be over at the next try. */
function passes(error: CopilotError, faults: number): boolean {
  switch (error.code) {
    case 'network':
    case 'rate_limited':
      return true;
    case 'unavailable':
      // The service itself says when to come back; where it does not, an operator must act first.
      return error.retryAfterMs !== null || typeof error.body?.error !== 'string';
    case 'server_error':
    case 'bad_answer':
      return faults < MAX_FAULTS;
    default:
      return error.status === 408 || error.status === 425;
  }
}

/**
 * The turn to join after a 409. A key of the caller's own may also be refused because it named another message: the turn of
 * that message is joined only while it runs.
 */
async function runningTurn(
  connection: StreamConnection,
  session: string,
  error: CopilotError,
  { idempotencyKey }: ChatOptions,
): Promise<string | null> {
  const turnId = String(error.body?.turn_id);
  if (idempotencyKey === undefined) return turnId;
  const path = `${session}/turns/${segment(turnId)}`;
  const { status } = await sendJson<Turn>(connection, { method: 'GET', path });
  return status === 'starting' || status === 'running' ? turnId : null;
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null || !type.startsWith('text/event-stream'))
    throw new CopilotError('bad_answer', 'The answer is no event stream', { status: response.status });
  return response.body;
}

function isTurnEvent(event: WireEvent): event is TurnEvent {
  return Object.hasOwn(EVENTS, event.event) && (event.seq !== undefined || event.event === 'status');
}

function isLast({ event }: WireEvent): boolean {
  return event === 'complete' || event === 'error';
}

/** A signal of its own for one attempt, which ends with the whole iteration. */
function linked(outer: AbortSignal): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const end = (): void => {
    outer.removeEventListener('abort', end);
    controller.abort();
  };
  outer.addEventListener('abort', end);
  return { signal: controller.signal, end };
}

/** Also where crypto.randomUUID is not there: on a page without TLS. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
