/**
 * A claim's right to write, and why a write of a turn is refused. Every write that a turn's activity makes names the
 * fence of its claim: the holder of an older epoch can write nothing.
 *
 * Lock order, to be kept by every writer: claims of the turn, then the turn's row.
 */
import type { FenceCode } from '../contracts/thrown-codes.ts';

/** One claim of one activity's work: `key` is `step:<n>` or `call:<call id>`. */
export interface Fence {
  turnId: string;
  key: string;
  epoch: number;
}

/**
 * Thrown when a fence holds no more. Usually a newer claim exists: its holder's result counts, and whoever holds this
 * fence must stop writing. The writer of the event log does not look why a fence fails, and also throws this error for
 * a turn that has ended.
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

/** Thrown when the turn has written its terminal event: there is nothing left to do for it. */
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
