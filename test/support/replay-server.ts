/**
 * A local HTTP server that answers with given bytes, split, cut or stalled where a test says, and keeps the raw
 * requests. It knows nothing of any provider.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { listenLocally } from './listen.ts';

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body: Buffer | string;
  /** Byte offsets at which the body is split; each piece is a chunk of its own. */
  splitAt?: readonly number[];
  /** Between two pieces; 0: at once. */
  pauseMs?: number;
  /** Sends only so many bytes of the body. */
  cutAt?: number;
  /** After the last byte: a clean end (the default), a reset connection, or nothing more at all. */
  ending?: 'close' | 'reset' | 'stall';
}

export interface RawRequest {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface ReplayServer {
  /** With `/v1`, as an OpenAI client takes it. */
  url: string;
  requests: RawRequest[];
  /** Connections that ended before their reply did. */
  aborted(): number;
  /** What every request from now on is answered with; a function is asked with each request's body. */
  reply(next: Reply | ((body: string) => Reply)): void;
  close(): Promise<void>;
}

/** Starts the server on a free port. */
export async function startReplayServer(): Promise<ReplayServer> {
  const requests: RawRequest[] = [];
  let current: Reply | ((body: string) => Reply) = { status: 500, body: '' };
  let aborted = 0;

  const send = async (response: ServerResponse, reply: Reply): Promise<void> => {
    const { status = 200, headers = {}, body, splitAt = [], pauseMs = 0, cutAt, ending = 'close' } = reply;
    const bytes = Buffer.from(body).subarray(0, cutAt);
    const bounds = [0, ...splitAt.filter((at) => at > 0 && at < bytes.length), bytes.length];
    response.socket?.setNoDelay(true);
    response.on('close', () => {
      if (!response.writableFinished) aborted += 1;
    });
    response.writeHead(status, { 'content-type': 'text/event-stream', ...headers });
    response.flushHeaders();
    for (let index = 1; index < bounds.length; index++) {
      response.write(bytes.subarray(bounds[index - 1], bounds[index]));
      // A turn of the event loop between two pieces, or they would leave as one.
      if (pauseMs > 0) await delay(pauseMs);
      else if (bounds.length > 2) await nextTurn();
      if (response.destroyed) return;
    }
    if (ending === 'close') response.end();
    else if (ending === 'reset') response.socket?.resetAndDestroy();
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      requests.push({ path: request.url ?? '', headers: request.headers, body });
      send(response, typeof current === 'function' ? current(body) : current).catch(() => response.destroy());
    });
  });
  const { port, close } = await listenLocally(server);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    aborted: () => aborted,
    reply(next) {
      current = next;
    },
    close,
  };
}
