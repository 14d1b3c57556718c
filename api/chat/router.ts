import { Router } from '@koa/router';
import type { ApiDeps } from '../deps.ts';
import { readCursor } from '../event-stream/cursor.ts';
import { openStream } from '../event-stream/open-stream.ts';
import type { RequestState } from '../http/request-state.ts';
import { requireSession } from '../sessions/router.ts';
import { parseChat, parseIdempotencyKey } from './schema.ts';

/** POST chat: starts a turn, or attaches to the one its idempotency key started, and streams it. */
export function createChatRouter(deps: ApiDeps): Router {
  const router = new Router();
  router.post('/api/copilot/sessions/:id/chat', async (ctx) => {
    const { principal, body } = ctx.state as RequestState;
    const session = await requireSession(deps, principal, ctx.params.id);
    const input = parseChat(body);
    const idempotencyKey = parseIdempotencyKey(ctx.headers['idempotency-key']);
    const { turnId, attached } = await deps.turns.start({ session, ...input, idempotencyKey });
    // A new turn has no reader yet that could have seen anything of it.
    const afterSeq = attached ? readCursor(ctx.get('Last-Event-ID'), undefined) : 0;
    openStream(ctx, deps.hub, { turnId, afterSeq, principal });
  });
  return router;
}
