/** What POST chat takes, checked by hand where the message must name one field in plain words. */
import type { Graph } from '../../domain/graph/graph.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { isLongerThan } from '../../domain/text/is-longer-than.ts';
import { isBlank } from '../../domain/text/spell-out-hidden.ts';
import { parseCanvas } from '../graphs/canvas.ts';
import { HttpError } from '../http/http-error.ts';

/** In Unicode code points, after trimming. */
export const MAX_MESSAGE_CHARACTERS = 32_000;
const MAX_KEY_CHARACTERS = 255;

export interface ChatInput {
  /** As the client sent it; without the blanks around it where they would make it longer than a message may be. */
  message: string;
  /** Null: the persisted graph is used. */
  graph: Graph | null;
}

/** Throws HttpError 400 that names the field. */
export function parseChat(body: JsonObject): ChatInput {
  const { message, workflow_state: state } = body;
  if (message === undefined || message === null) throw new HttpError(400, 'message is required');
  if (typeof message !== 'string') throw new HttpError(400, 'message must be a string');
  const kept = isLongerThan(message, MAX_MESSAGE_CHARACTERS) ? message.trim() : message;
  if (isLongerThan(kept, MAX_MESSAGE_CHARACTERS))
    throw new HttpError(400, `message must be at most ${MAX_MESSAGE_CHARACTERS} characters long`);
  if (isBlank(kept)) throw new HttpError(400, 'message must not be empty: nothing in it can be seen');
  if (state === undefined || state === null) return { message: kept, graph: null };
  return { message: kept, graph: parseCanvas(state, 'workflow_state').graph };
}

/** Null when the header is absent. Throws HttpError 400 when it is empty or too long. */
export function parseIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  const key = Array.isArray(header) ? header.join(', ') : header;
  if (key === '' || key.length > MAX_KEY_CHARACTERS)
    throw new HttpError(400, `Idempotency-Key must have 1 to ${MAX_KEY_CHARACTERS} characters`);
  return key;
}
