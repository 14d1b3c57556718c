/** Values that the HTTP schemas share: ids, times, JSON, and the messages for wrong ones. */
import { z } from 'zod';
import { isObject } from '../../domain/text/json.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { isUuid } from '../../domain/text/uuid.ts';

/** Any JSON value. The schema does not look inside, because stored values may have any depth. */
export const json = z.custom<Json>(() => true).meta({ id: 'Json', description: 'Any JSON value.' });

/** A JSON object with any keys. It is passed on unchanged, including `__proto__` keys. */
export const jsonObject = z
  .custom<JsonObject>(isObject)
  .meta({ id: 'JsonObject', type: 'object', description: 'A JSON object with any keys.' });

/** An id in an answer. */
export const uuid = z.string().meta({ format: 'uuid' });

/** A time in an answer: ISO 8601 in UTC. */
export const time = z.string().meta({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' });

/** A decimal number as text, in US dollars. */
export const dollars = z.string().meta({
  description: 'US dollars as a decimal string; null when any counted call has no price.',
  example: '0.0123',
});

/** An id that a caller sends. When it is no UUID, the request ends with 404 and this message. */
export function idOrNothing(message: string) {
  const error = () => message;
  return z
    .string({ error })
    .refine(isUuid, { error, params: { status: 404 } })
    .meta({ format: 'uuid' });
}

/** The id in a query from which a page goes on. `message` is the error of everything else. */
export function cursor(message: string, description: string) {
  return z
    .string({ error: message })
    .refine(isUuid, { error: message })
    .meta({ format: 'uuid', description });
}

/** The message for a value of the wrong type. Null and absent count as missing. */
export function requiredOr(required: string, wrong: string) {
  return ({ input }: { input?: unknown }) => (input === undefined || input === null ? required : wrong);
}

/** A whole number in a query with at most `digits` digits. `fallback` is its value when it is absent. */
export function wholeNumber(options: {
  name: string;
  min: number;
  max: number;
  digits: number;
  fallback?: number;
  description: string;
}) {
  const { name, min, max, fallback } = options;
  const digits = new RegExp(`^\\d{1,${options.digits}}$`);
  return z
    .unknown()
    .transform((value, ctx) => {
      const number = typeof value === 'string' && digits.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      ctx.addIssue(`${name} must be a whole number from ${min} to ${max}`);
      return z.NEVER;
    })
    .meta({
      type: 'integer',
      minimum: min,
      maximum: max,
      description: options.description,
      ...(fallback === undefined ? {} : { default: fallback }),
    });
}
