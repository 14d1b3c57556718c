/** A chat: a message of a user, and the current canvas. */
import { z } from 'zod';
import { isLongerThan } from '../../domain/text/is-longer-than.ts';
import { isBlank } from '../../domain/text/spell-out-hidden.ts';
import { canvas, VISIBLE_RULE } from './graphs.ts';
import { requiredOr } from './values.ts';

/** In Unicode code points, after trimming. */
export const MAX_MESSAGE_CHARACTERS = 32_000;
const MAX_KEY_CHARACTERS = 255;

export const chatRequest = z
  .object({
    message: z
      .string({ error: requiredOr('message is required', 'message must be a string') })
      // The message is kept as the client sent it. It is trimmed only when blanks make it too long.
      .overwrite((text) => (isLongerThan(text, MAX_MESSAGE_CHARACTERS) ? text.trim() : text))
      .refine((text) => !isLongerThan(text, MAX_MESSAGE_CHARACTERS), {
        error: `message must be at most ${MAX_MESSAGE_CHARACTERS} characters long`,
        abort: true,
      })
      .refine((text) => !isBlank(text), { error: 'message must not be empty: nothing in it can be seen' })
      .meta({
        minLength: 1,
        description: `What the user says: at most ${MAX_MESSAGE_CHARACTERS} characters without the blanks around them. ${VISIBLE_RULE}`,
      }),
    workflow_state: canvas
      .nullish()
      .meta({ description: 'The canvas as it is. Without it the persisted graph is used.' }),
  })
  .meta({ id: 'Chat', example: { message: 'Add a step that answers in French' } });

const KEY_ERROR = `Idempotency-Key must have 1 to ${MAX_KEY_CHARACTERS} characters`;

export const idempotencyKey = z
  .string()
  .min(1, { error: KEY_ERROR })
  .max(MAX_KEY_CHARACTERS, { error: KEY_ERROR })
  .meta({
    description:
      'The same key on the same session attaches to the turn that it started, and never starts a second.',
    example: 'a2a7c6f0-2b51-4d5c-9b58-0d9f0a6c5f11',
  });
