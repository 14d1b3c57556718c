import { HttpError } from '../http/http-error.ts';

const WHOLE = /^\d+$/;

/**
 * The seq after which a reader resumes. Last-Event-ID wins over `after`. A Last-Event-ID that is no whole number means 0;
 * a cursor past the end of the log stays there. Cursors grant no rights, so they need no protection.
 * Throws HttpError 400 when `after` is no whole number from 0 on.
 */
export function readCursor(lastEventId: string, after: string | string[] | undefined): number {
  if (after !== undefined && (typeof after !== 'string' || !WHOLE.test(after)))
    throw new HttpError(400, 'after must be a whole number from 0 on');
  if (lastEventId !== '') return WHOLE.test(lastEventId) ? toSeq(lastEventId) : 0;
  return after === undefined ? 0 : toSeq(after);
}

function toSeq(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}
