/**
 * A local HTTP server that answers with given bytes, which it splits, cuts or stalls where a test says. It keeps the raw
 * requests and has no knowledge of providers.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { listenLocally } from './listen.ts';

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body: Buffer | string;
  /** Byte offsets at which the body is split. Each piece is sent as a chunk. */
  splitAt?: readonly number[];
  /** The pause between two pieces. Default: 0. */
  pauseMs?: number;
  /** Sends only this many bytes of the body. */
  cutAt?: number;
  /** What follows the last byte: a clean end (the default), a reset of the connection, or nothing. */
  ending?: 'close' | 'reset' | 'stall';
}

export interface RawRequest {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface ReplayServer {
  /** The base URL with `/v1`, for an OpenAI client. */
  url: string;
  requests: RawRequest[];
  /** How many connections ended before their reply. */
  aborted(): number;
  /** Sets the reply to all later requests. A function gets the body of each request. */
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
      // Without a turn of the event loop, two pieces would leave as one.
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
