/** Judges what came of a case. */
import type { EvalCase, Outcome } from '../case.ts';
import { SOUND } from './sound.ts';

/** A check that does not hold, and why. */
export interface Fault {
  check: string;
  fault: string;
}

/** The checks of a case that do not hold, those of every case included. */
export function judge({ checks }: Pick<EvalCase, 'checks'>, outcome: Outcome): Fault[] {
  return [...SOUND, ...checks].flatMap((check) => {
    const fault = check.fault(outcome);
    return fault === null ? [] : [{ check: check.says, fault }];
  });
}
