/** POST chat: starts a turn, or attaches to the turn that its idempotency key started, and streams it. */
import { z } from 'zod';
import { chatRequest, idempotencyKey } from '../../contracts/http/chat.ts';
import { turnErrorAnswer } from '../../contracts/http/errors.ts';
import { NO_SESSION } from '../../contracts/http/sessions.ts';
import { lastEventId } from '../../contracts/http/turns.ts';
import { uuid } from '../../contracts/http/values.ts';
import { canvasAt } from '../graphs/canvas.ts';
import { eventStream } from '../http/answer.ts';
import { defineRoute } from '../http/route.ts';
import { describedAs } from '../openapi/described-as.ts';
import { ownSession } from '../sessions/own-session.ts';
import { streamedEvent } from '../../contracts/http/stream.ts';

const chat = defineRoute({
  method: 'post',
  path: '/api/copilot/sessions/:id/chat',
  operationId: 'chat',
  summary: 'Say something, and read the turn that answers it',
  description: 'The turn goes on when the reader goes away. One turn runs at a time in a session.',
  tag: 'Chat',
  access: ownSession,
  input: {
    params: z.object({ id: uuid.meta({ description: 'The session.' }) }),
    body: describedAs(
      chatRequest,
      chatRequest.extend({ workflow_state: canvasAt('workflow_state').nullish() }),
    ),
    headers: z.object({
      'idempotency-key': idempotencyKey.optional(),
      'last-event-id': lastEventId.optional(),
    }),
  },
  answers: eventStream(streamedEvent),
  errors: {
    404: NO_SESSION,
    409: {
      meaning: 'A turn runs in this session, or the key came with another message.',
      schema: turnErrorAnswer,
    },
    413: 'The stored graph is too large.',
    429: 'A limit is reached or a budget is used up; the message names it. Nothing was started.',
    503: { meaning: 'Something is away. With a `turn_id`: that turn may run.', schema: turnErrorAnswer },
  },
  async handle({ session, body, headers, principal, answer }, { turns, limits }) {
    // The place comes first: nothing may be started for a stream that is refused.
    const release = await limits.streams.take(principal.sub);
    const { turnId, attached } = await turns
      .start({
        session,
        message: body.message,
        graph: body.workflow_state?.graph ?? null,
        idempotencyKey: headers['idempotency-key'] ?? null,
        principal: principal.sub,
      })
      .catch((error: unknown) => {
        release?.();
        throw error;
      });
    // A new turn has no reader yet, so its stream begins at the first event.
    const afterSeq = attached ? (headers['last-event-id'] ?? 0) : 0;
    return answer({ turnId, afterSeq, principal, release });
  },
});

export const chatRoutes = [chat];
