import type { Context } from 'koa';
import { CLOCK_LEEWAY_SECONDS } from '../middleware/auth.ts';
import type { Principal } from '../http/principal.ts';
import type { TurnEventHub } from './turn-event-hub.ts';

/** Whose stream, from where, and who reads it. */
export interface StreamRequest {
  turnId: string;
  afterSeq: number;
  principal: Principal;
}

/**
 * Answers a request with a turn's event stream. The hub owns the response from here on, and Koa leaves it alone. The
 * request's state is dropped, because the context lives as long as the connection.
 */
export function openStream(
  ctx: Context,
  hub: TurnEventHub,
  { turnId, afterSeq, principal }: StreamRequest,
): void {
  ctx.status = 200;
  ctx.set({
    // Without the charset some clients read text as Latin-1 (RFC 2616's old default).
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache',
    'X-Accel-Buffering': 'no',
    'X-Turn-Id': turnId,
  });
  ctx.respond = false;
  ctx.state = { requestId: ctx.state.requestId as string };
  if (ctx.method === 'HEAD') {
    ctx.res.end();
    return;
  }
  hub.stream(ctx.res, turnId, afterSeq, endOf(principal));
}

/**
 * A stream ends when its token expires. A token that expired within the clock leeway gets a stream of that leeway's
 * length; otherwise its client would reconnect at once and be let in again.
 */
function endOf({ expiresAt }: Principal): number {
  if (expiresAt === null) return Infinity;
  return expiresAt > Date.now() ? expiresAt : expiresAt + CLOCK_LEEWAY_SECONDS * 1_000;
}
