/** What the usage endpoint takes. */
import { HttpError } from '../http/http-error.ts';

/** ISO 8601: a day, or a time with its offset. */
const TIME = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/;

/** A day means its begin in UTC. Null when absent. Throws HttpError 400 that names the parameter. */
export function parseTime(name: string, value: string | string[] | undefined): Date | null {
  if (value === undefined || value === '') return null;
  // A plus sign that was not encoded arrives as a space.
  const text = typeof value === 'string' ? value.replace(' ', '+') : '';
  const day = TIME.exec(text)?.[1];
  const time = new Date(text);
  if (day === undefined || Number.isNaN(time.getTime()) || !isCalendarDay(day))
    throw new HttpError(
      400,
      `${name} must be a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z`,
    );
  return time;
}

/** False for the 30th of February, which Date reads as a day in March. */
function isCalendarDay(day: string): boolean {
  const begin = new Date(day);
  return !Number.isNaN(begin.getTime()) && begin.toISOString().startsWith(day);
}
