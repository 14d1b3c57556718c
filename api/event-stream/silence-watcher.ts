/**
 * While a turn's log is quiet, asks Temporal what the turn is doing and tells the turn's readers. These status lines are
 * neither stored nor numbered, and stored events never wait for them. Temporal is asked once per turn, not once per reader.
 */
import { isConnectionError } from '../../db/connection/pg-errors.ts';
import { SILENCE } from '../../runtime/bounds.ts';
import type { Logger } from '../../runtime/logger.ts';
import { renderLiveEvent } from './render-event.ts';

/** The fields that a watched turn carries for the silence watcher. All times are performance.now(). */
export interface Quiet {
  readonly turnId: string;
  /** When the last event arrived, or when the turn began to be watched. */
  heardAt: number;
  /** When the turn is asked about next. */
  askAt: number;
  asking: boolean;
  said: string;
  saidAt: number;
}

export type SilenceInspector = (turnId: string) => Promise<{ message: string; step?: number } | null>;

export interface SilenceWatcher<T extends Quiet> {
  /** The initial fields of a turn that begins to be watched. */
  begin(): Omit<Quiet, 'turnId'>;
  /** Must be called when the turn has a new event. */
  heard(turn: T): void;
  /** Must be called with every watched turn, every SILENCE.tickMs. */
  tick(turns: Iterable<T>): void;
}

const REPEAT_MS = 10_000;
// With thousands of quiet turns, the questions must not overload Temporal.
const MAX_ASKING = 32;

export function createSilenceWatcher<T extends Quiet>(options: {
  logger: Logger;
  inspect: SilenceInspector;
  send: (turn: T, text: string) => void;
  silenceMs?: number;
}): SilenceWatcher<T> {
  const silenceMs = options.silenceMs ?? SILENCE.silenceMs;
  let asking = 0;

  const ask = async (turn: T): Promise<void> => {
    const heardAt = turn.heardAt;
    turn.asking = true;
    asking += 1;
    try {
      const status = await inspect(turn.turnId);
      if (status === null || turn.heardAt !== heardAt) return;
      const text = renderLiveEvent('status', { ...status });
      const now = performance.now();
      if (text === turn.said && now - turn.saidAt < REPEAT_MS) return;
      turn.said = text;
      turn.saidAt = now;
      options.send(turn, text);
    } finally {
      turn.asking = false;
      asking -= 1;
      turn.askAt = performance.now() + silenceMs;
    }
  };

  const inspect: SilenceInspector = async (turnId) => {
    try {
      return await options.inspect(turnId);
    } catch (error: unknown) {
      if (isConnectionError(error))
        return { message: 'The database is not reachable; the turn goes on when it is back...' };
      options.logger.warn({ err: error, turn: turnId }, 'a silent turn could not be asked about');
      return null;
    }
  };

  return {
    begin() {
      const now = performance.now();
      return { heardAt: now, askAt: now + silenceMs, asking: false, said: '', saidAt: 0 };
    },
    heard(turn) {
      const now = performance.now();
      turn.heardAt = now;
      turn.askAt = now + silenceMs;
      turn.said = '';
    },
    tick(turns) {
      const now = performance.now();
      const free = MAX_ASKING - asking;
      const due = Iterator.from(turns)
        .filter((turn) => !turn.asking && now >= turn.askAt)
        .toArray();
      // The turns that have waited longest come first, so that each turn is asked about at some time.
      if (due.length > free) due.sort((a, b) => a.askAt - b.askAt).length = Math.max(0, free);
      for (const turn of due) void ask(turn);
    },
  };
}
