/** Sessions, their messages, and applying or undoing what a message proposes. */
import { Router } from '@koa/router';
import { inLane } from '../../db/connection/lanes.ts';
import { listMessages } from '../../db/sessions/messages.ts';
import {
  createSession,
  deleteSession,
  findNewestSession,
  findSession,
  type Session,
  type Viewer,
} from '../../db/sessions/sessions.ts';
import { applySnapshot, revertSnapshot } from '../../db/sessions/snapshots.ts';
import { workflowExists } from '../../db/graphs/graphs.ts';
import { DiffConflictError } from '../../domain/graph/apply-diff.ts';
import type { ApiDeps } from '../deps.ts';
import { parseCanvas } from '../graphs/canvas.ts';
import { HttpError } from '../http/http-error.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { NEW_SESSIONS, sessionLane, workflowLane } from '../http/lane-names.ts';
import type { Principal } from '../http/principal.ts';
import { presentWorkflowGraph } from '../graphs/present.ts';
import { presentMessages, presentNewSession, presentSession } from './present.ts';
import { NO_SUCH_MESSAGE, parsePage, parseWorkflowId } from './schema.ts';

const NO_WORKFLOW = 'No workflow exists with the given ID';
const NO_SESSION = 'No copilot session exists with the given ID';
const NO_MESSAGE = 'No assistant message exists with the given ID in this session';

/** Whose sessions a principal sees: service_role all, anybody else its own. */
export function toViewer(principal: Principal): Viewer {
  return { ownerSub: principal.role === 'service_role' ? null : (principal.sub ?? '') };
}

/** The session of a path, or 404 with the same bytes for an unknown, a foreign and a malformed id. */
export async function requireSession(
  deps: ApiDeps,
  principal: Principal,
  id: string | undefined,
): Promise<Session> {
  const session = isUuid(id) ? await findSession(deps.db, id, toViewer(principal)) : null;
  if (!session) throw new HttpError(404, NO_SESSION);
  return session;
}

/** Routes under /api/copilot/sessions, but for the chat and its turns. */
export function createSessionsRouter(deps: ApiDeps): Router {
  const router = new Router({ prefix: '/api/copilot/sessions' });
  const { db } = deps;

  router.post('/', async (ctx) => {
    const workflowId = parseWorkflowId((ctx.state.body as { workflow_id?: unknown }).workflow_id);
    const principal = ctx.state.principal as Principal;
    const session =
      workflowId &&
      (await inLane(
        db,
        NEW_SESSIONS.lane(workflowId),
        () => createSession(db, { workflowId, ...toViewer(principal) }),
        NEW_SESSIONS.width,
      ));
    if (!session) throw new HttpError(404, NO_WORKFLOW);
    ctx.status = 201;
    ctx.body = presentNewSession(session);
  });

  router.get('/', async (ctx) => {
    const workflowId = parseWorkflowId(ctx.query.workflow_id);
    if (!workflowId || !(await workflowExists(db, workflowId))) throw new HttpError(404, NO_WORKFLOW);
    const session = await findNewestSession(db, workflowId, toViewer(ctx.state.principal as Principal));
    ctx.body = { session: session && presentSession(session) };
  });

  router.delete('/:id', async (ctx) => {
    const session = await requireSession(deps, ctx.state.principal as Principal, ctx.params.id);
    await deps.turns.cancelForDelete(session.id);
    const deleted = await inLane(db, sessionLane(session.id), () => deleteSession(db, session.id));
    if (!deleted) throw new HttpError(404, NO_SESSION);
    ctx.status = 204;
  });

  router.get('/:id/messages', async (ctx) => {
    const session = await requireSession(deps, ctx.state.principal as Principal, ctx.params.id);
    const page = parsePage(ctx.query);
    const messages = await listMessages(db, session.id, page);
    if (!messages && 'message' in page) throw new HttpError(404, NO_SUCH_MESSAGE);
    if (!messages) throw new HttpError(400, 'before must be the id of a message of this session');
    ctx.type = 'json';
    ctx.body = presentMessages(messages);
  });

  router.post('/:id/messages/:mid/snapshot', async (ctx) => {
    const session = await requireSession(deps, ctx.state.principal as Principal, ctx.params.id);
    const { pre_snapshot: raw } = ctx.state.body as { pre_snapshot?: unknown };
    if (raw === undefined || raw === null) throw new HttpError(400, 'pre_snapshot is required');
    const canvas = parseCanvas(raw, 'pre_snapshot');
    const { mid } = ctx.params;
    const target = { sessionId: session.id, workflowId: session.workflowId, messageId: mid ?? '' };
    const answer = isUuid(mid)
      ? await orConflict(
          inLane(db, workflowLane(session.workflowId), () =>
            applySnapshot(db, target, { ...canvas, raw }, presentWorkflowGraph),
          ),
        )
      : null;
    if (!answer) throw new HttpError(404, NO_MESSAGE);
    ctx.body = { ok: true, workflow: answer };
  });

  router.post('/:id/messages/:mid/revert', async (ctx) => {
    const session = await requireSession(deps, ctx.state.principal as Principal, ctx.params.id);
    const { mid } = ctx.params;
    const target = { sessionId: session.id, workflowId: session.workflowId, messageId: mid ?? '' };
    const result = isUuid(mid)
      ? await orConflict(
          inLane(db, workflowLane(session.workflowId), () =>
            revertSnapshot(db, target, presentWorkflowGraph, deps.planRevert),
          ),
        )
      : { found: false as const };
    if (!result.found) throw new HttpError(404, NO_MESSAGE);
    if (!result.applied)
      throw new HttpError(409, "This message's change was never applied: there is nothing to undo");
    ctx.body = { ok: true, workflow: result.response };
  });

  return router;
}

/** A change that does not fit becomes a 409 that names the blocks. */
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
