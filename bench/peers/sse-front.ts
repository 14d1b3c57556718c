/** The HTTP front of a peer: POST /chat {message} answers with the events that the benchmark's reader knows. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Turn {
  workflowId: string;
  /** The pieces of text as they come; null where the text so far is void. Ends when the turn is complete. */
  pieces: AsyncIterable<string | null>;
}

/** Serves turns on a free port and prints the address. */
export function serveTurns(start: (message: string) => Promise<Turn>): void {
  const chat = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { message } = JSON.parse(Buffer.concat(chunks).toString()) as { message: string };
    const { workflowId, pieces } = await start(message);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-turn-id': workflowId,
    });
    for await (const delta of pieces) {
      const event = delta === null ? { event: 'content_reset' } : { event: 'content_delta', delta };
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    }
    response.end(`data: ${JSON.stringify({ event: 'complete' })}\n\n`);
  };
  const server = createServer({ noDelay: true }, (request, response) => {
    chat(request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
  server.listen(0, '127.0.0.1', () =>
    console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`),
  );
}
