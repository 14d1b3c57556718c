/**
 * The functions of this folder for the activities, with the database as a fixed argument. saveWork waits while Postgres is
 * away, because the model call has been paid for. Every other function fails, and Temporal makes the next attempt.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { countEarlierCalls, findAskedCall, findPreviousResult } from './asked-calls.ts';
import { isSuspect, recordFailure, releaseClaim } from './claim-counts.ts';
import { askConfirmation, findConfirmation, settleConfirmation } from './confirmations.ts';
import { loadHistory } from './history.ts';
import type { WithoutDb } from '../connection/without-db.ts';
import { isTransient } from '../connection/pg-errors.ts';
import { claimWork, markIdle } from './claims.ts';
import { findEarlierTurn, listEarlierChanges } from './earlier-changes.ts';
import { endTurn } from './end-turn.ts';
import type { Fence } from '../fence.ts';
import { insertUsage } from './usage-rows.ts';
import { listTranscript, type SavedWork, saveWork } from './transcript.ts';
import { listUserMessages, loadBaseGraph, loadTurnContext, loadWorkingGraph } from './turn-context.ts';

export interface TurnStore {
  /** Claims work for this process. */
  claimWork: (input: Omit<Parameters<typeof claimWork>[1], 'holder'>) => ReturnType<typeof claimWork>;
  isSuspect: WithoutDb<typeof isSuspect>;
  recordFailure: WithoutDb<typeof recordFailure>;
  releaseClaim: WithoutDb<typeof releaseClaim>;
  saveWork: (fence: Fence, work: SavedWork, signal: AbortSignal) => Promise<void>;
  insertUsage: WithoutDb<typeof insertUsage>;
  loadTurnContext: WithoutDb<typeof loadTurnContext>;
  loadBaseGraph: WithoutDb<typeof loadBaseGraph>;
  loadWorkingGraph: WithoutDb<typeof loadWorkingGraph>;
  listUserMessages: WithoutDb<typeof listUserMessages>;
  listTranscript: WithoutDb<typeof listTranscript>;
  findAskedCall: WithoutDb<typeof findAskedCall>;
  countEarlierCalls: WithoutDb<typeof countEarlierCalls>;
  findPreviousResult: WithoutDb<typeof findPreviousResult>;
  markIdle: WithoutDb<typeof markIdle>;
  loadHistory: WithoutDb<typeof loadHistory>;
  listEarlierChanges: WithoutDb<typeof listEarlierChanges>;
  findEarlierTurn: WithoutDb<typeof findEarlierTurn>;
  endTurn: WithoutDb<typeof endTurn>;
  findConfirmation: WithoutDb<typeof findConfirmation>;
  askConfirmation: WithoutDb<typeof askConfirmation>;
  settleConfirmation: <Result extends object>(
    fence: Fence,
    input: Parameters<typeof settleConfirmation<Result>>[2],
  ) => Promise<boolean>;
  /** Whether the same statement may succeed later: see db/connection/pg-errors.ts. */
  isTransient: (error: unknown) => boolean;
}

const SAVE_RETRY_MS = 250;

/** Creates the store of a database. Its claims name one random holder, which stands for this process. */
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
    listUserMessages: (turnId) => listUserMessages(db, turnId),
    listTranscript: (turnId) => listTranscript(db, turnId),
    findAskedCall: (call) => findAskedCall(db, call),
    countEarlierCalls: (call) => countEarlierCalls(db, call),
    findPreviousResult: (call) => findPreviousResult(db, call),
    markIdle: (fence) => markIdle(db, fence),
    loadHistory: (turnId) => loadHistory(db, turnId),
    listEarlierChanges: (turnId) => listEarlierChanges(db, turnId),
    findEarlierTurn: (turnId) => findEarlierTurn(db, turnId),
    endTurn: (input) => endTurn(db, input),
    findConfirmation: (turnId, callId) => findConfirmation(db, turnId, callId),
    askConfirmation: (fence, input) => askConfirmation(db, fence, input),
    settleConfirmation: (fence, input) => settleConfirmation(db, fence, input),
    isTransient,
  };
}
