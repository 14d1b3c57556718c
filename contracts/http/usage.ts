/** The usage report of the platform. */
import { z } from 'zod';
import { dollars, time } from './values.ts';

/** ISO 8601: a day, or a time with its offset. */
const TIME = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/;

/** A time of the query; null when absent. A day means its start in UTC. */
function instant(name: string, description: string) {
  return z
    .unknown()
    .transform((value, ctx) => {
      if (value === undefined || value === '') return null;
      // A plus sign that was not encoded arrives as a space.
      const text = typeof value === 'string' ? value.replace(' ', '+') : '';
      const day = TIME.exec(text)?.[1];
      const read = new Date(text);
      if (day !== undefined && !Number.isNaN(read.getTime()) && isCalendarDay(day)) return read;
      ctx.addIssue(`${name} must be a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z`);
      return z.NEVER;
    })
    .meta({ type: 'string', pattern: TIME.source, description, example: '2026-01-31' });
}

/** False for the 30th of February, which Date reads as a day in March. */
function isCalendarDay(day: string): boolean {
  const begin = new Date(day);
  return !Number.isNaN(begin.getTime()) && begin.toISOString().startsWith(day);
}

export const usageQuery = z
  .object({
    from: instant(
      'from',
      'A day of the calendar (its begin in UTC), or a time with its offset; inclusive.',
    ).default(null),
    to: instant(
      'to',
      'A day of the calendar (its begin in UTC), or a time with its offset; exclusive.',
    ).default(null),
  })
  .refine(({ from, to }) => from === null || to === null || from <= to, {
    error: 'from must not be later than to',
  });

export const modelUsage = z
  .object({
    model: z.string(),
    turns: z.int(),
    calls: z.int(),
    estimated_calls: z.int().meta({
      description: 'Attempts without a report of the provider; their tokens are not in the sums.',
    }),
    input_tokens: z.int(),
    cached_tokens: z.int(),
    output_tokens: z.int(),
    reasoning_tokens: z.int(),
    cost_usd: dollars.nullable(),
  })
  .meta({ id: 'ModelUsage' });

export const usageAnswer = z
  .object({
    from: time.nullable(),
    to: time.nullable(),
    models: z.array(modelUsage),
    models_left_out: z.int().optional().meta({ description: 'Models beyond the first 500 by name.' }),
  })
  .meta({ id: 'UsageReport', description: 'Tokens and cost by model.' });
