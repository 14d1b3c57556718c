/** Where the events of a turn are read from: a turn that is known, or a message that begins one. */
import { ask, type ConnectionOptions, open, segment } from './request.ts';
import type { StreamOptions, TurnSource } from './turn-stream.ts';
import type { Canvas, Turn } from './types.ts';

export interface EventsOptions extends StreamOptions {
  /** The seq of the last event that was seen; 0 by default. */
  after?: number;
}

export interface ChatOptions extends StreamOptions {
  /** Names this message: the same key never starts a second turn. Random by default. */
  idempotencyKey?: string;
  /** Where a turn of the session runs already, its events are read in place of an error. The message is not sent then. */
  joinRunning?: boolean;
  /** Told which turn is read, and whether it is one that ran before. */
  onTurn?: (turn: { turnId: string; joined: boolean }) => void;
}

const turnPath = (sessionId: string, turnId: string): string =>
  `/api/copilot/sessions/${segment(sessionId)}/turns/${segment(turnId)}`;

/** The events of a turn by its id. */
export function knownTurn(
  connection: ConnectionOptions,
  sessionId: string,
  turnId: string,
  after: number,
): TurnSource {
  const path = `${turnPath(sessionId, turnId)}/events`;
  return {
    after,
    open: (from, signal) =>
      open(
        connection,
        {
          method: 'GET',
          path,
          query: { after: from === 0 ? undefined : from },
          headers: from === 0 ? {} : { 'Last-Event-ID': String(from) },
        },
        signal,
      ),
    onTurn: () => undefined,
  };
}

/** The turn of a message: it is sent, with one key, until an answer names its turn, which is then read by its id. */
export function chatTurn(
  connection: ConnectionOptions,
  sessionId: string,
  input: { message: string; workflowState?: Canvas },
  options: ChatOptions,
): TurnSource {
  const idempotencyKey = options.idempotencyKey ?? randomKey();
  let turn: { id: string; joined: boolean } | null = null;
  const found = (id: string, joined: boolean): void => {
    turn = { id, joined };
    options.onTurn?.({ turnId: id, joined });
  };
  const post = (signal: AbortSignal): Promise<Response> =>
    open(
      connection,
      {
        method: 'POST',
        path: `/api/copilot/sessions/${segment(sessionId)}/chat`,
        body: { message: input.message, workflow_state: input.workflowState },
        headers: { 'Idempotency-Key': idempotencyKey },
      },
      signal,
    );
  /** Null where that can't be found out just now. */
  const statusOf = (turnId: string, signal: AbortSignal): Promise<Turn['status'] | null> =>
    ask<Turn>(connection, { method: 'GET', path: turnPath(sessionId, turnId) }, { signal }).then(
      ({ status }) => status,
      () => null,
    );
  return {
    after: 0,
    open: (from, signal) =>
      turn === null ? post(signal) : knownTurn(connection, sessionId, turn.id, from).open(from, signal),
    onTurn(turnId) {
      if (turn === null) found(turnId, false);
    },
    async onError(error, seen, signal) {
      // A turn that is only about to run has no events yet: the next answer to the message says what became of it.
      if (turn?.joined === true && seen === 0 && error.code === 'not_found') {
        turn = null;
        return 'later';
      }
      if (turn !== null || options.joinRunning !== true || error.code !== 'turn_running') return null;
      const turnId = String(error.body?.turn_id);
      // The service names a turn also where the caller's key belongs to another message; that turn may be long over.
      if (options.idempotencyKey !== undefined) {
        const status = await statusOf(turnId, signal);
        if (status === null) return 'later';
        if (status !== 'starting' && status !== 'running') return null;
      }
      found(turnId, true);
      return 'now';
    },
  };
}

/** Also where crypto.randomUUID is not there: on a page without TLS. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
