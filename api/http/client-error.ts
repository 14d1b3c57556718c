import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';

const ANSWERS: Record<string, [string, string]> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The request headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'The extensions of a chunk are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time'],
};
const MALFORMED: [string, string] = ['400 Bad Request', 'The request is not valid HTTP'];

/**
 * Answers a request that Node could not read, with the same body as all other errors. Handles the server's `clientError`
 * event. `method` is the method of the request, if its headers were read.
 */
export function answerClientError(
  error: Error & { code?: string; rawPacket?: Buffer },
  socket: Socket,
  method?: string,
): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, message] = ANSWERS[error.code ?? ''] ?? MALFORMED;
  // Node passes only the last packet. When the headers came in several packets, the method is unknown, but HEAD is rare.
  const isHead = method === 'HEAD' || error.rawPacket?.subarray(0, 5).toString('latin1') === 'HEAD ';
  answerOnSocket(socket, status, message, { isHead });
}

/** Writes an error as a whole response and ends the connection. The response to a HEAD has no body (RFC 9110, 9.3.2). */
export function answerOnSocket(
  socket: Socket,
  status: string,
  message: string,
  { isHead = false }: { isHead?: boolean } = {},
): void {
  const body = JSON.stringify({ error: message });
  socket.on('error', () => undefined);
  socket.end(
    `HTTP/1.1 ${status}\r\nX-Request-Id: ${randomUUID()}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${isHead ? '' : body}`,
  );
}
