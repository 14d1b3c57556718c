import type { Context } from 'koa';
import type { TurnEventHub } from './turn-event-hub.ts';

/**
 * Answers a request with a turn's event stream. From here on the response is the hub's: Koa leaves it alone, and what
 * the request brought along is let go, because the context lives as long as the connection.
 */
export function openStream(
  ctx: Context,
  hub: TurnEventHub,
  { turnId, afterSeq }: { turnId: string; afterSeq: number },
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
  hub.stream(ctx.res, turnId, afterSeq);
}
