/**
 * What the activities may do with turns: the functions of this room, bound to one database. Saving a finished piece of
 * work waits while Postgres is away, because the work has been paid for. Everything else fails at once, and Temporal
 * tries it again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { countEarlierCalls, findAskedCall, findPreviousResult } from './asked-calls.ts';
import { isSuspect, recordFailure, releaseClaim } from './claim-counts.ts';
import { askConfirmation, findConfirmation, settleConfirmation } from './confirmations.ts';
import { loadHistory } from './history.ts';
import type { Bound } from '../connection/bound.ts';
import { isTransient } from '../connection/pg-errors.ts';
import { claimWork, markIdle } from './claims.ts';
import { endTurn } from './end-turn.ts';
import type { Fence } from '../fence.ts';
import { insertUsage } from './usage-rows.ts';
import { listTranscript, type SavedWork, saveWork } from './transcript.ts';
import { loadBaseGraph, loadTurnContext, loadWorkingGraph } from './turn-context.ts';

export interface TurnStore {
  /** Claims for this process. */
  claimWork: (input: Omit<Parameters<typeof claimWork>[1], 'holder'>) => ReturnType<typeof claimWork>;
  isSuspect: Bound<typeof isSuspect>;
  recordFailure: Bound<typeof recordFailure>;
  releaseClaim: Bound<typeof releaseClaim>;
  saveWork: (fence: Fence, work: SavedWork, signal: AbortSignal) => Promise<void>;
  insertUsage: Bound<typeof insertUsage>;
  loadTurnContext: Bound<typeof loadTurnContext>;
  loadBaseGraph: Bound<typeof loadBaseGraph>;
  loadWorkingGraph: Bound<typeof loadWorkingGraph>;
  listTranscript: Bound<typeof listTranscript>;
  findAskedCall: Bound<typeof findAskedCall>;
  countEarlierCalls: Bound<typeof countEarlierCalls>;
  findPreviousResult: Bound<typeof findPreviousResult>;
  markIdle: Bound<typeof markIdle>;
  loadHistory: Bound<typeof loadHistory>;
  endTurn: Bound<typeof endTurn>;
  findConfirmation: Bound<typeof findConfirmation>;
  askConfirmation: Bound<typeof askConfirmation>;
  settleConfirmation: <Result extends object>(
    fence: Fence,
    input: Parameters<typeof settleConfirmation<Result>>[2],
  ) => Promise<boolean>;
  /** Whether the database was away, or had no time, no room or a held lock: the same work may succeed later. */
  isTransient: (error: unknown) => boolean;
}

const SAVE_RETRY_MS = 250;

/** Binds the turn functions to a database. */
export function createTurnStore(db: Knex): TurnStore {
  const holder = randomUUID();
  return {
    claimWork: (input) => claimWork(db, { ...input, holder }),
    isSuspect: (claim) => isSuspect(db, claim),
    recordFailure: (fence) => recordFailure(db, fence),
    releaseClaim: (fence) => releaseClaim(db, fence),
    async saveWork(fence, work, signal) {
      for (;;) {
        try {
          return await saveWork(db, fence, work);
        } catch (error: unknown) {
          if (!isTransient(error) || signal.aborted) throw error;
          await delay(SAVE_RETRY_MS);
        }
      }
    },
    insertUsage: (fence, usage) => insertUsage(db, fence, usage),
    loadTurnContext: (turnId) => loadTurnContext(db, turnId),
    loadBaseGraph: (turnId) => loadBaseGraph(db, turnId),
    loadWorkingGraph: (turnId) => loadWorkingGraph(db, turnId),
    listTranscript: (turnId) => listTranscript(db, turnId),
    findAskedCall: (call) => findAskedCall(db, call),
    countEarlierCalls: (call) => countEarlierCalls(db, call),
    findPreviousResult: (call) => findPreviousResult(db, call),
    markIdle: (fence) => markIdle(db, fence),
    loadHistory: (turnId) => loadHistory(db, turnId),
    endTurn: (input) => endTurn(db, input),
    findConfirmation: (turnId, callId) => findConfirmation(db, turnId, callId),
    askConfirmation: (fence, input) => askConfirmation(db, fence, input),
    settleConfirmation: (fence, input) => settleConfirmation(db, fence, input),
    isTransient,
  };
}
