/** The HTTP server around the application. Errors that Node would answer itself get the same body as all other errors. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type Koa from 'koa';
import { answerClientError, answerOnSocket } from './client-error.ts';

const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 20_000;

/** Creates the server. The caller makes it listen and closes it. */
export function createHttpServer(app: Koa): Server {
  const callback = app.callback();
  const open = new WeakMap<Socket, Set<ServerResponse>>();
  const track = (request: IncomingMessage, response: ServerResponse): void => {
    const responses = open.get(request.socket) ?? new Set();
    open.set(request.socket, responses.add(response));
    response.once('close', () => responses.delete(response));
  };
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      noDelay: true,
      // Node would answer a request without a host with an empty body. The application answers with a message.
      requireHostHeader: false,
    },
    (request, response) => {
      track(request, response);
      // Koa answers every error itself; its promise never rejects.
      void callback(request, response);
    },
  );
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    const responses = [...(open.get(socket as Socket) ?? [])];
    // In the middle of an answer, such as a stream, no other answer can be sent on this connection.
    if (responses.some((response) => response.headersSent)) socket.destroy();
    else answerClientError(error, socket as Socket, responses.at(-1)?.req.method);
  });
  server.on('checkExpectation', (_request, response: ServerResponse) => {
    const body = JSON.stringify({ error: 'The Expect header may only be 100-continue' });
    response.writeHead(417, {
      'X-Request-Id': randomUUID(),
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
    });
    response.end(body);
  });
  server.on('connect', (_request, socket) =>
    answerOnSocket(
      socket as Socket,
      '405 Method Not Allowed',
      'This server is no proxy: CONNECT is not supported',
    ),
  );
  return server;
}
