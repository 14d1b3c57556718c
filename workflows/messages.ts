/** Signals and queries of chatTurn. Each names its turn: a message for another turn of the session is ignored. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { TurnProgress } from '../contracts/turn.ts';

/** Ends the turn with stop_reason cancelled; what was done so far is kept. May be sent twice. */
export const cancelSignal = defineSignal<[{ turnId: string }]>('cancel');

/** Wakes a turn that waits for a confirmation. The decision itself is a row in Postgres. */
export const confirmSignal = defineSignal<[{ turnId: string; callId: string }]>('confirm');

export const progressQuery = defineQuery<TurnProgress>('progress');
