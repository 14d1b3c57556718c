import { Router } from '@koa/router';
import type { ApiDeps } from '../deps.ts';
import { readCursor } from '../event-stream/cursor.ts';
import { openStream } from '../event-stream/open-stream.ts';
import { HttpError } from '../http/http-error.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import type { RequestState } from '../http/request-state.ts';
import { requireSession } from '../sessions/router.ts';
import { parseDecision } from './schema.ts';

const TURN = '/api/copilot/sessions/:id/turns/:turn_id';

/** A turn's state, its stream, and its cancellation. */
export function createTurnsRouter(deps: ApiDeps): Router {
  const router = new Router();

  router.get(TURN, async (ctx) => {
    const session = await requireSession(deps, (ctx.state as RequestState).principal, ctx.params.id);
    const turn = await deps.turns.get({ sessionId: session.id, turnId: requireTurnId(ctx.params.turn_id) });
    if (!turn) throw unknownTurn();
    ctx.body = turn;
  });

  router.get(`${TURN}/events`, async (ctx) => {
    const { principal } = ctx.state as RequestState;
    const session = await requireSession(deps, principal, ctx.params.id);
    const turnId = requireTurnId(ctx.params.turn_id);
    if (!(await deps.turns.exists({ sessionId: session.id, turnId }))) throw unknownTurn();
    const afterSeq = readCursor(ctx.get('Last-Event-ID'), ctx.query.after);
    openStream(ctx, deps.hub, { turnId, afterSeq, principal });
  });

  router.post(`${TURN}/cancel`, async (ctx) => {
    const session = await requireSession(deps, (ctx.state as RequestState).principal, ctx.params.id);
    await deps.turns.cancel({ sessionId: session.id, turnId: requireTurnId(ctx.params.turn_id) });
    ctx.status = 202;
    ctx.body = { ok: true };
  });

  router.post(`${TURN}/confirmations/:call_id`, async (ctx) => {
    const { principal, body } = ctx.state as RequestState;
    const session = await requireSession(deps, principal, ctx.params.id);
    const { approved, reason } = parseDecision(body);
    const decision = approved ? 'approved' : 'rejected';
    await deps.turns.confirm({
      sessionId: session.id,
      turnId: requireTurnId(ctx.params.turn_id),
      callId: requireCallId(ctx.params.call_id),
      decision,
      reason,
      decidedBy: principal.sub ?? principal.role,
    });
    ctx.body = { ok: true, decision };
  });

  return router;
}

function requireTurnId(id: string | undefined): string {
  if (!isUuid(id)) throw unknownTurn();
  return id.toLowerCase();
}

/** As the transcript writes call ids; anything else names none. */
function requireCallId(id: string | undefined): string {
  if (id === undefined || !/^[a-zA-Z0-9_-]{1,64}$/.test(id))
    throw new HttpError(404, 'No confirmation was asked for a call with the given ID');
  return id;
}

function unknownTurn(): HttpError {
  return new HttpError(404, 'No turn exists with the given ID');
}
