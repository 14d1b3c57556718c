/** What the confirmation endpoint takes. */
import type { JsonObject } from '../../domain/text/json-value.ts';
import { HttpError } from '../http/http-error.ts';

const MAX_REASON_CHARACTERS = 2_000;

/** Throws HttpError 400 that names the field. */
export function parseDecision(body: JsonObject): { approved: boolean; reason: string | null } {
  const { approved, reason } = body;
  if (approved === undefined || approved === null) throw new HttpError(400, 'approved is required');
  if (typeof approved !== 'boolean') throw new HttpError(400, 'approved must be true or false');
  if (reason === undefined || reason === null) return { approved, reason: null };
  if (typeof reason !== 'string') throw new HttpError(400, 'reason must be a string');
  if (reason.length > MAX_REASON_CHARACTERS)
    throw new HttpError(400, `reason must be at most ${MAX_REASON_CHARACTERS} characters long`);
  return { approved, reason: reason.trim() === '' ? null : reason };
}
