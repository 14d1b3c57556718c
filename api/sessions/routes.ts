/** Sessions: conversations about one workflow. */
import { z } from 'zod';
import {
  NO_SESSION,
  NO_WORKFLOW,
  newestSessionAnswer,
  newestSessionQuery,
  newSessionAnswer,
  newSessionRequest,
  NO_SUCH_SESSION,
  sessionListAnswer,
  sessionPageQuery,
} from '../../contracts/http/sessions.ts';
import { uuid } from '../../contracts/http/values.ts';
import { inLane } from '../../db/connection/lanes.ts';
import { workflowExists } from '../../db/graphs/graphs.ts';
import { listSessions } from '../../db/sessions/list-sessions.ts';
import { createSession, deleteSession, findNewestSession } from '../../db/sessions/sessions.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { anyone, withToken } from '../http/access.ts';
import { json, nothing } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import { actorOf } from '../http/principal.ts';
import { NEW_SESSIONS, sessionLane } from '../http/lane-names.ts';
import { defineRoute } from '../http/route.ts';
import { ownSession, toViewer } from './own-session.ts';
import { presentNewSession, presentSession, presentSessionSummary } from './present.ts';

const tag = 'Sessions';
const path = '/api/copilot/sessions';

const create = defineRoute({
  method: 'post',
  path,
  operationId: 'createSession',
  summary: 'Begin a conversation about a workflow',
  description: 'It belongs to the `sub` of the token.',
  tag,
  access: anyone,
  input: { body: newSessionRequest },
  answers: json(201, newSessionAnswer),
  errors: { 404: NO_WORKFLOW },
  async handle({ body: { workflow_id: workflowId }, principal, answer }, { db }) {
    const session = await inLane(
      db,
      NEW_SESSIONS.lane(workflowId),
      () => createSession(db, { workflowId, ...toViewer(principal) }),
      NEW_SESSIONS.width,
    );
    if (!session) throw new HttpError(404, NO_WORKFLOW);
    return answer(presentNewSession(session));
  },
});

const newest = defineRoute({
  method: 'get',
  path,
  operationId: 'getNewestSession',
  summary: 'The newest session of a workflow',
  tag,
  access: anyone,
  input: { query: newestSessionQuery },
  answers: json(200, newestSessionAnswer),
  errors: { 404: NO_WORKFLOW },
  async handle({ query: { workflow_id: workflowId }, principal, answer }, { db }) {
    if (!(await workflowExists(db, workflowId))) throw new HttpError(404, NO_WORKFLOW);
    const session = await findNewestSession(db, workflowId, toViewer(principal));
    return answer({ session: session && presentSession(session) });
  },
});

const remove = defineRoute({
  method: 'delete',
  path: `${path}/:id`,
  operationId: 'deleteSession',
  summary: 'Delete a session with its messages and events',
  description: 'A turn that runs is cancelled first.',
  tag,
  access: ownSession,
  input: { params: z.object({ id: uuid.meta({ description: 'The session.' }) }) },
  answers: nothing,
  errors: { 404: NO_SESSION },
  async handle({ session: { id }, principal, requestId, answer }, { db, turns }) {
    await turns.cancelForDelete(id);
    const deleted = await inLane(db, sessionLane(id), () =>
      deleteSession(db, id, actorOf(principal, requestId)),
    );
    if (!deleted) throw new HttpError(404, NO_SESSION);
    return answer(null);
  },
});

/** Checked before the query. */
const existingWorkflow = withToken(async ({ principal, params: { id } }, { db }) => {
  if (!isUuid(id) || !(await workflowExists(db, id))) throw new HttpError(404, NO_WORKFLOW);
  return { principal, workflowId: id };
});

const list = defineRoute({
  method: 'get',
  path: '/api/workflows/:id/sessions',
  operationId: 'listSessions',
  summary: 'The sessions of a workflow, newest first',
  description: 'Each with its title and the number of its messages. `before` pages on.',
  tag,
  access: existingWorkflow,
  input: {
    params: z.object({ id: uuid.meta({ description: 'The workflow.' }) }),
    query: sessionPageQuery,
  },
  answers: json(200, sessionListAnswer),
  errors: { 404: NO_WORKFLOW },
  async handle({ workflowId, principal, query: { limit, before = null }, answer }, { db }) {
    const sessions = await listSessions(db, { workflowId, limit, before, ...toViewer(principal) });
    if (!sessions) throw new HttpError(400, NO_SUCH_SESSION);
    return answer({ sessions: sessions.map(presentSessionSummary) });
  },
});

export const sessionRoutes = [create, newest, remove, list];
