/** A fetch that a test scripts, and bodies that a test cuts. */
import { setImmediate } from 'node:timers/promises';

export interface SentRequest {
  method: string;
  url: string;
  headers: Headers;
  body: unknown;
}

export interface FakeFetch {
  fetch: typeof fetch;
  requests: SentRequest[];
  /** Bodies that were handed out and neither ended nor were cancelled. */
  open(): number;
  /** The body: `close`, `error` or nothing (it stays open) after the chunks. */
  stream: (
    chunks: (string | Uint8Array)[],
    end?: 'close' | 'error',
    headers?: Record<string, string>,
  ) => Response;
}

/** Answers the requests in turn; the last answer holds for all that follow. */
export function fakeFetch(...answers: ((request: SentRequest, fake: FakeFetch) => Response)[]): FakeFetch {
  let open = 0;
  const fake: FakeFetch = {
    requests: [],
    open: () => open,
    async fetch(url, init) {
      init?.signal?.throwIfAborted();
      const request: SentRequest = {
        method: init?.method ?? 'GET',
        url: url instanceof Request ? url.url : String(url),
        headers: new Headers(init?.headers),
        body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
      };
      fake.requests.push(request);
      const answer = answers[Math.min(fake.requests.length, answers.length) - 1]!;
      await setImmediate();
      return answer(request, fake);
    },
    stream(chunks, end, headers = {}) {
      open += 1;
      let at = 0;
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            const chunk = chunks[at++];
            if (chunk !== undefined) {
              controller.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
              return;
            }
            if (end === undefined) return;
            open -= 1;
            if (end === 'close') controller.close();
            else controller.error(new TypeError('terminated'));
          },
          cancel: () => void (open -= 1),
        },
        { highWaterMark: 0 },
      );
      return new Response(body, {
        headers: { 'Content-Type': 'text/event-stream; charset=utf-8', ...headers },
      });
    },
  };
  return fake;
}

/** An event as the service writes it. */
export function block(event: { event: string; seq?: number; [key: string]: unknown }): string {
  return `data: ${JSON.stringify(event)}\n\n${event.seq === undefined ? '' : `id: ${event.seq}\n\n`}`;
}

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
  });
}
