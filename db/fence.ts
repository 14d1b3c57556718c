/**
 * Fences, and the errors that refuse a write of a turn. Every write of a turn's activity names the fence of its claim. A
 * write under an older epoch is refused.
 *
 * Every writer locks in this order: the turn's claims, then the turn's row.
 */
import type { FenceCode } from '../contracts/thrown-codes.ts';

/** One claim of one activity's work: `key` is `step:<n>` or `call:<call id>`. */
export interface Fence {
  turnId: string;
  /** What is claimed: `step:<n>`, `call:<call id>` or `summary`. */
  key: string;
  epoch: number;
}

/**
 * Thrown when a fence no longer holds, because a newer claim exists. The holder of the old fence must stop writing; the
 * newer claim's result counts. The event log's writer does not look for the cause, so it also throws this error when the
 * turn has ended.
 */
export class FencedError extends Error {
  readonly code = 'FENCED' satisfies FenceCode;
  readonly fence: Fence;

  constructor(fence: Fence) {
    super(`the claim of epoch ${fence.epoch} on ${fence.key} of turn ${fence.turnId} does not hold any more`);
    this.name = 'FencedError';
    this.fence = fence;
  }
}

/** Thrown when the turn has written its terminal event. Nothing is left to do for the turn. */
export class TurnOverError extends Error {
  readonly code = 'TURN_OVER' satisfies FenceCode;

  constructor(turnId: string) {
    super(`turn ${turnId} has ended`);
    this.name = 'TurnOverError';
  }
}

/** Thrown when the turn's row does not exist: its session or workflow was deleted, or it was never started. */
export class TurnGoneError extends Error {
  readonly code = 'TURN_GONE' satisfies FenceCode;

  constructor(turnId: string) {
    super(`turn ${turnId} does not exist`);
    this.name = 'TurnGoneError';
  }
}
