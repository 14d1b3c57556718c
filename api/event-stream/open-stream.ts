import type { Context } from 'koa';
import { CLOCK_LEEWAY_SECONDS } from '../middleware/auth.ts';
import type { Principal } from '../http/principal.ts';
import type { TurnEventHub } from './turn-event-hub.ts';

/** The turn of a stream, the cursor, and the reader. */
export interface StreamRequest {
  turnId: string;
  afterSeq: number;
  principal: Principal;
  /** Gives the stream's place back; null when it has none. Called when the stream has ended, whatever ended it. */
  release: (() => void) | null;
}

/**
 * Answers a request with a turn's event stream. From then on the hub owns the response, and Koa does not write to it. The
 * request's state is dropped, because the context lives as long as the connection.
 */
export function openStream(
  ctx: Context,
  hub: TurnEventHub,
  { turnId, afterSeq, principal, release }: StreamRequest,
): void {
  ctx.status = 200;
  ctx.set({
    // Without a charset, some clients read the text as Latin-1 (the old default of RFC 2616).
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache',
    'X-Accel-Buffering': 'no',
    'X-Turn-Id': turnId,
  });
  ctx.respond = false;
  ctx.state = { requestId: ctx.state.requestId as string };
  if (release !== null) releaseAtEnd(ctx, release);
  if (ctx.method === 'HEAD') {
    ctx.res.end();
    return;
  }
  hub.stream(ctx.res, turnId, afterSeq, endOf(principal));
}

/** The socket may close before a pipelined response is its own, and one that is gone already emits no `close`. */
function releaseAtEnd({ req: { socket }, res }: Context, release: () => void): void {
  const end = (): void => {
    res.off('close', end);
    socket.off('close', end);
    release();
  };
  if (res.destroyed || socket.destroyed) release();
  else {
    res.on('close', end);
    socket.on('close', end);
  }
}

/**
 * The time at which the stream ends: when its token expires. A token that has expired within the clock leeway gets a stream
 * as long as the leeway. A shorter stream would let its client reconnect at once, again and again.
 */
function endOf({ expiresAt }: Principal): number {
  if (expiresAt === null) return Infinity;
  return expiresAt > Date.now() ? expiresAt : expiresAt + CLOCK_LEEWAY_SECONDS * 1_000;
}
