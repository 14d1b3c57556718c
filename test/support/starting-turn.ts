/** The values of a new turn, for tests that store turns as the API does. */
import { randomUUID } from 'node:crypto';
import type { StartingTurn } from '../../db/turns/turn.ts';

/** A turn of the session with new ids and an empty graph. `values` replaces single values. */
export function startingTurn(
  { sessionId, workflowId }: { sessionId: string; workflowId: string },
  values: Partial<StartingTurn> = {},
): StartingTurn {
  return {
    id: randomUUID(),
    sessionId,
    workflowId,
    userMessageId: randomUUID(),
    messageId: randomUUID(),
    idempotencyKey: null,
    message: 'hi',
    model: 'demo',
    principal: null,
    graph: '{"blocks":[],"edges":[]}',
    ...values,
  };
}
