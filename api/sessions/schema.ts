/** What the session endpoints take. Messages say what to do; paths name the field. */
import { HttpError } from '../http-error.ts';
import { isUuid } from '../ids.ts';

const MAX_LIMIT = 200;

/** A workflow id from a body or a query: 400 when it is missing or no text, null when it can name nothing. */
export function parseWorkflowId(value: unknown): string | null {
  if (value === undefined || value === null || value === '')
    throw new HttpError(400, 'workflow_id is required');
  if (typeof value !== 'string') throw new HttpError(400, 'workflow_id must be a string');
  return isUuid(value) ? value : null;
}

/** `limit` and `before` of the message list. */
export function parsePage(query: Record<string, unknown>): { limit: number | null; before: string | null } {
  const { limit, before } = query;
  let count: number | null = null;
  if (limit !== undefined) {
    count = typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
    if (count < 1 || count > MAX_LIMIT)
      throw new HttpError(400, `limit must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  if (before !== undefined && !isUuid(before))
    throw new HttpError(400, 'before must be the id of a message of this session');
  return { limit: count, before: before ?? null };
}
