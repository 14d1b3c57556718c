/**
 * A reader of event streams over a raw socket. A test sees every byte and can stop reading. An independent parser of the SSE
 * standard reads the events, so that a wrong framing is found.
 */
import { connect, type Socket } from 'node:net';
import { createParser } from 'eventsource-parser';

export interface StreamClient {
  readonly socket: Socket;
  /** The body of the response, without the framing of chunks. */
  body(): string;
  head(): string;
  /** The parsed data of the events. Throws when the parser finds a field that the standard does not have. */
  events(): Record<string, unknown>[];
  /** Resolves when the condition holds. Rejects after `timeoutMs`. */
  until(condition: (client: StreamClient) => boolean, timeoutMs?: number): Promise<void>;
  ended(): boolean;
}

/** Opens the event stream of a turn. */
export function openTurnStream(
  api: { port: number; headers: Record<string, string> },
  { sessionId, turnId }: { sessionId: string; turnId: string },
  options: { method?: string; headers?: Record<string, string>; query?: string } = {},
): StreamClient {
  return openStreamClient({
    port: api.port,
    method: options.method ?? 'GET',
    path: `/api/copilot/sessions/${sessionId}/turns/${turnId}/events${options.query ?? ''}`,
    headers: { ...api.headers, ...options.headers },
  });
}

export function openStreamClient(options: {
  port: number;
  path: string;
  method?: string;
  headers: Record<string, string>;
  body?: string;
}): StreamClient {
  const chunks: Buffer[] = [];
  let over = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  const socket = connect(options.port, '127.0.0.1');
  const headers = {
    Host: 'localhost',
    Connection: 'close',
    ...options.headers,
    ...(options.body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(options.body)) }),
  };
  socket.on('error', () => undefined);
  socket.on('close', () => {
    over = true;
    wake();
  });
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    wake();
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(
    `${options.method ?? 'GET'} ${options.path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${options.body ?? ''}`,
  );

  const parts = (): { head: string; body: string } => {
    const all = Buffer.concat(chunks);
    const split = all.indexOf('\r\n\r\n');
    if (split < 0) return { head: all.toString(), body: '' };
    const head = all.subarray(0, split).toString();
    const raw = all.subarray(split + 4);
    return { head, body: /transfer-encoding: chunked/i.test(head) ? unchunk(raw) : raw.toString() };
  };
  const client: StreamClient = {
    socket,
    body: () => parts().body,
    head: () => parts().head,
    events: () => parseEvents(client.body()),
    ended: () => over,
    until: (condition, timeoutMs = 8_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`condition not met in ${timeoutMs} ms; received: ${client.body().slice(-500)}`));
        }, timeoutMs);
        const check = () => {
          if (!condition(client)) return;
          waiting.delete(check);
          clearTimeout(timer);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
  return client;
}

function parseEvents(body: string): Record<string, unknown>[] {
  const events: Record<string, unknown>[] = [];
  const parser = createParser({
    onEvent: ({ data }) => events.push(JSON.parse(data) as Record<string, unknown>),
    onError(error) {
      throw error;
    },
  });
  parser.feed(body);
  return events;
}

/** The seqs of the events that have one. */
export function seqsOf(events: Record<string, unknown>[]): number[] {
  return events.map((event) => event.seq).filter((seq): seq is number => typeof seq === 'number');
}

function unchunk(raw: Buffer): string {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = raw.indexOf('\r\n', at);
    if (lineEnd < 0) break;
    const size = Number.parseInt(raw.subarray(at, lineEnd).toString(), 16);
    if (!(size > 0) || lineEnd + 2 + size > raw.length) break;
    parts.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts).toString();
}
