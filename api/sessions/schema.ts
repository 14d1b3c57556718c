/** What the session endpoints take. Messages say what to do; paths name the field. */
import { MAX_PAGE_MESSAGES, type MessagePage } from '../../db/sessions/messages.ts';
import { HttpError } from '../http/http-error.ts';
import { isUuid } from '../../domain/text/uuid.ts';

export const NO_SUCH_MESSAGE = 'No message exists with the given ID in this session';

/** A workflow id from a body or a query: 400 when it is missing or no text, null when it can name nothing. */
export function parseWorkflowId(value: unknown): string | null {
  if (value === undefined || value === null || value === '')
    throw new HttpError(400, 'workflow_id is required');
  if (typeof value !== 'string') throw new HttpError(400, 'workflow_id must be a string');
  return isUuid(value) ? value : null;
}

/** `limit` and `before` of the message list, or `message`, which makes the other two mean nothing. */
export function parsePage(query: Record<string, unknown>): MessagePage {
  const { limit, before, message } = query;
  if (message !== undefined) {
    if (!isUuid(message)) throw new HttpError(404, NO_SUCH_MESSAGE);
    return { message };
  }
  let count: number | null = null;
  if (limit !== undefined) {
    count = typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
    if (count < 1 || count > MAX_PAGE_MESSAGES)
      throw new HttpError(400, `limit must be a whole number from 1 to ${MAX_PAGE_MESSAGES}`);
  }
  if (before !== undefined && !isUuid(before))
    throw new HttpError(400, 'before must be the id of a message of this session');
  return { limit: count, before: before ?? null };
}
