/**
 * What the activities may do with turns: the functions of turns.ts, bound to one database. Saving a finished piece of
 * work waits for a Postgres that is away, because what it holds has been paid for; everything else fails at once and
 * is tried again by Temporal.
 */
import type { Knex } from 'knex';
import { isConnectionError } from './pg-errors.ts';
import {
  claimWork,
  endTurn,
  type Fence,
  insertUsage,
  listHistory,
  listTranscript,
  loadTurnContext,
  loadWorkingGraph,
  saveWork,
} from './turns.ts';

type Bound<F> = F extends (db: Knex, ...args: infer A) => infer R ? (...args: A) => R : never;

export interface TurnStore {
  claimWork: Bound<typeof claimWork>;
  saveWork: (fence: Fence, work: Parameters<typeof saveWork>[2], signal: AbortSignal) => Promise<void>;
  insertUsage: Bound<typeof insertUsage>;
  loadTurnContext: Bound<typeof loadTurnContext>;
  loadWorkingGraph: Bound<typeof loadWorkingGraph>;
  listTranscript: Bound<typeof listTranscript>;
  listHistory: Bound<typeof listHistory>;
  endTurn: Bound<typeof endTurn>;
  isConnectionError: (error: unknown) => boolean;
}

const SAVE_RETRY_MS = 250;

/** Binds the turn functions to a database. */
export function createTurnStore(db: Knex): TurnStore {
  return {
    claimWork: (input) => claimWork(db, input),
    async saveWork(fence, work, signal) {
      for (;;) {
        try {
          return await saveWork(db, fence, work);
        } catch (error: unknown) {
          if (!isConnectionError(error) || signal.aborted) throw error;
          await new Promise((resolve) => setTimeout(resolve, SAVE_RETRY_MS));
        }
      }
    },
    insertUsage: (fence, usage) => insertUsage(db, fence, usage),
    loadTurnContext: (turnId) => loadTurnContext(db, turnId),
    loadWorkingGraph: (turnId) => loadWorkingGraph(db, turnId),
    listTranscript: (turnId, step) => listTranscript(db, turnId, step),
    listHistory: (turnId, limit) => listHistory(db, turnId, limit),
    endTurn: (input) => endTurn(db, input),
    isConnectionError,
  };
}
