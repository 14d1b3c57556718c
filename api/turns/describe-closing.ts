/** How a turn ends when its workflow has closed without ending it. Pure. */
import type { ErrorCode } from '../../contracts/errors.ts';
import type { StopReason } from '../../contracts/names.ts';

export interface Closing {
  /** `error` when the service itself is at fault or data was lost. */
  level: 'warn' | 'error';
  log: string;
  outcome: { kind: 'complete'; stopReason: StopReason } | { kind: 'error'; code: ErrorCode; message: string };
}

const KEPT = 'What it did so far is kept.';

/**
 * `status` is the name of the run's state in Temporal. `LOST` means that Temporal knows no run, `REPLACED` that the latest
 * run under the session's id belongs to another turn.
 */
export function describeClosing(status: string): Closing {
  switch (status) {
    case 'TERMINATED':
      return failed(
        'warn',
        "an operator terminated a turn's workflow",
        'The turn was stopped by an operator.',
      );
    case 'CANCELLED':
      return {
        level: 'warn',
        log: "a turn's workflow was cancelled and closed without its end",
        outcome: { kind: 'complete', stopReason: 'cancelled' },
      };
    case 'TIMED_OUT':
      return failed('error', "a turn's workflow reached its time limit", 'The turn reached its time limit.');
    case 'FAILED':
      return failed('error', "a turn's workflow failed", 'The turn failed inside the service.');
    case 'LOST':
      return failed(
        'error',
        "a turn's workflow is not known to Temporal",
        'The history of the turn was lost.',
      );
    case 'REPLACED':
      return failed(
        'warn',
        "a turn's workflow is over; how is not known",
        'The turn was stopped from outside.',
      );
    default:
      return failed(
        'error',
        `a turn's workflow closed as ${status} without its end`,
        'The turn was cut short.',
      );
  }
}

function failed(level: Closing['level'], log: string, message: string): Closing {
  return { level, log, outcome: { kind: 'error', code: 'internal', message: `${message} ${KEPT}` } };
}
