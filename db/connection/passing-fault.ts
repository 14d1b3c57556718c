/** Tells faults of the database that pass by themselves from statements that are wrong. */
import { isConnectionError, isTransactionConflict, sqlStateOf } from './pg-errors.ts';

// 25P03: idle in a transaction for too long. 55P03: a lock was not to be had in time. Class 53: no room. 57: an operator
// or a timeout stepped in. 58: the server's system failed.
const PASSING = /^(25P03|55P03|53...|57...|58...)$/;

/** True for what is no fault of the call that met it: doing it again later is right. */
export function isPassingFault(error: unknown): boolean {
  return isConnectionError(error) || isTransactionConflict(error) || PASSING.test(sqlStateOf(error) ?? '');
}
