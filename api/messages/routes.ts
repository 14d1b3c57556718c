/** The routes for the messages of a session, and for applying or reverting the change of a message. */
import { z } from 'zod';
import type { Actor } from '../../contracts/audit.ts';
import { conflictErrorAnswer } from '../../contracts/http/errors.ts';
import {
  appliedAnswer,
  messageListAnswer,
  messagePageQuery,
  messageParams,
  NO_ASSISTANT_MESSAGE,
  NO_SUCH_CURSOR,
  NO_SUCH_MESSAGE,
  snapshotRequest,
} from '../../contracts/http/messages.ts';
import { NO_SESSION } from '../../contracts/http/sessions.ts';
import { uuid } from '../../contracts/http/values.ts';
import { inLane } from '../../db/connection/lanes.ts';
import { listMessages } from '../../db/sessions/messages.ts';
import type { Session } from '../../db/sessions/sessions.ts';
import { applySnapshot, revertSnapshot, type SnapshotTarget } from '../../db/sessions/snapshots.ts';
import { DiffConflictError } from '../../domain/graph/apply-diff.ts';
import { canvasAt } from '../graphs/canvas.ts';
import { presentWorkflowGraph } from '../graphs/present.ts';
import { json, jsonText } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import { actorOf } from '../http/principal.ts';
import { workflowLane } from '../http/lane-names.ts';
import { defineRoute } from '../http/route.ts';
import { describedAs } from '../openapi/described-as.ts';
import { ownSession } from '../sessions/own-session.ts';
import { presentMessages } from './present.ts';

const tag = 'Messages';
const path = '/api/copilot/sessions/:id/messages';

const list = defineRoute({
  method: 'get',
  path,
  operationId: 'listMessages',
  summary: 'The messages of a session, oldest first',
  description:
    'Without `limit` the newest 200. An answer stays under 4 MB: what does not fit is left out, from the oldest message on, and flagged.',
  tag,
  access: ownSession,
  input: {
    params: z.object({ id: uuid.meta({ description: 'The session.' }) }),
    query: messagePageQuery,
  },
  answers: jsonText(messageListAnswer),
  errors: { 404: `${NO_SESSION}; or: ${NO_SUCH_MESSAGE}` },
  async handle({ session, query: { message, limit, before }, answer }, { db }) {
    const page = message === undefined ? { limit: limit ?? null, before: before ?? null } : { message };
    const messages = await listMessages(db, session.id, page);
    if (!messages && message !== undefined) throw new HttpError(404, NO_SUCH_MESSAGE);
    if (!messages) throw new HttpError(400, NO_SUCH_CURSOR);
    return answer(presentMessages(messages));
  },
});

const changes = {
  404: `${NO_SESSION}; or: ${NO_ASSISTANT_MESSAGE}`,
  409: { meaning: 'The change does not fit the workflow as it is.', schema: conflictErrorAnswer },
  413: 'The graph would be too large.',
};

const snapshot = defineRoute({
  method: 'post',
  path: `${path}/:mid/snapshot`,
  operationId: 'applyMessage',
  summary: "Keep the canvas and apply the message's change to the workflow",
  description:
    'A repeat answers the same and applies nothing again. A message without a diff keeps the canvas.',
  tag,
  access: ownSession,
  input: {
    params: messageParams,
    body: describedAs(snapshotRequest, snapshotRequest.extend({ pre_snapshot: canvasAt('pre_snapshot') })),
  },
  answers: json(200, appliedAnswer),
  errors: changes,
  async handle(
    { session, principal, requestId, params: { mid }, body: { pre_snapshot: canvas }, answer },
    { db },
  ) {
    const target = targetOf(session, mid, actorOf(principal, requestId));
    const workflow = await orConflict(
      inLane(db, workflowLane(session.workflowId), () =>
        applySnapshot(db, target, canvas, presentWorkflowGraph),
      ),
    );
    if (!workflow) throw new HttpError(404, NO_ASSISTANT_MESSAGE);
    return answer({ ok: true, workflow });
  },
});

const revert = defineRoute({
  method: 'post',
  path: `${path}/:mid/revert`,
  operationId: 'revertMessage',
  summary: "Undo the message's change on the workflow",
  description: 'Later changes of other blocks stay. A repeat answers the same.',
  tag,
  access: ownSession,
  input: { params: messageParams },
  answers: json(200, appliedAnswer),
  errors: changes,
  async handle({ session, principal, requestId, params: { mid }, answer }, { db, planRevert }) {
    const target = targetOf(session, mid, actorOf(principal, requestId));
    const result = await orConflict(
      inLane(db, workflowLane(session.workflowId), () =>
        revertSnapshot(db, target, presentWorkflowGraph, planRevert),
      ),
    );
    if (!result.found) throw new HttpError(404, NO_ASSISTANT_MESSAGE);
    if (!result.applied)
      throw new HttpError(409, "This message's change was never applied: there is nothing to undo");
    return answer({ ok: true, workflow: result.response });
  },
});

export const messageRoutes = [list, snapshot, revert];

function targetOf(session: Session, messageId: string, by: Actor): SnapshotTarget {
  return { sessionId: session.id, workflowId: session.workflowId, messageId, by };
}

/** Answers a change that does not fit with a 409 that names the blocks. */
async function orConflict<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error: unknown) {
    if (!(error instanceof DiffConflictError)) throw error;
    throw new HttpError(
      409,
      `The change no longer fits. These blocks stand in the way: ${error.blocks.join(', ')}`,
      { blocks: error.blocks },
    );
  }
}
