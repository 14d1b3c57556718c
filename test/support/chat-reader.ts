/**
 * A chat as the client reads it, through APIs that come and go. The client hides what it mends, so the bytes that it gets are
 * checked beside it: the ids of each connection must follow the cursor that the connection was opened with.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CopilotError, createCopilotClient } from '../../client/src/index.ts';

export interface WireEvent {
  event: string;
  seq?: number;
  [key: string]: unknown;
}

export interface Reader {
  events: WireEvent[];
  /** The arrival time of each event, as performance.now(). */
  times: number[];
  turnId(): string;
  /** The HTTP status of the newest answer to the chat request. */
  status(): number;
  /** Resolves with the first event that meets the condition. Rejects after `timeoutMs`. */
  until(condition: (event: WireEvent) => boolean, timeoutMs?: number): Promise<WireEvent>;
  /** Resolves with the terminal event. */
  end(timeoutMs?: number): Promise<WireEvent>;
  stop(): void;
}

/** The parts of a cluster that a chat needs. */
interface ChatCluster {
  key(): string;
  onStop(end: () => void): void;
}

/** The pause before the next API is asked, where one can't be reached. */
const NEXT_API_MS = 50;

/**
 * Sends a chat message and reads its stream to the end. A broken stream goes on at the next API that answers. `apis` is
 * called at each attempt, so that a test can replace an API.
 */
export function chat(
  cluster: ChatCluster,
  apis: () => { url: string }[],
  sessionId: string,
  body: { message: string },
  headers: Record<string, string> = {},
): Reader {
  const events: WireEvent[] = [];
  const times: number[] = [];
  const waiting = new Set<() => void>();
  const abort = new AbortController();
  cluster.onStop(() => abort.abort());
  let turnId = '';
  let status = 0;
  let asked = 0;
  let failure: Error | null = null;
  const wake = (): void => {
    for (const check of waiting) check();
  };
  const fail = (error: Error): void => {
    failure ??= error;
    abort.abort();
    wake();
  };

  const fetchFromAny: typeof fetch = async (url, init) => {
    for (;;) {
      const list = apis();
      const api = list[asked++ % list.length]!;
      try {
        const response = await fetch(new URL(url instanceof Request ? url.url : url, api.url), {
          ...init,
          headers: { ...headers, ...Object.fromEntries(new Headers(init?.headers)) },
        });
        if (init?.method === 'POST') status = response.status;
        const cursor = Number(new Headers(init?.headers).get('last-event-id') ?? 0);
        return response.status === 200 ? checkedStream(response, cursor, fail) : response;
      } catch (error: unknown) {
        if (init?.signal?.aborted === true) throw error;
        await delay(NEXT_API_MS);
      }
    }
  };
  const client = createCopilotClient({ baseUrl: '', getToken: () => cluster.key(), fetch: fetchFromAny });
  const idempotencyKey = headers['Idempotency-Key'];
  const read = async (): Promise<void> => {
    const stream = client.chat(sessionId, body, {
      signal: abort.signal,
      onTurn: (turn) => void (turnId = turn.turnId),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    for await (const event of stream) {
      events.push({ ...event });
      times.push(performance.now());
      wake();
    }
  };
  read().catch((error: unknown) => {
    fail(
      error instanceof CopilotError
        ? new Error(`chat answered ${error.status}: ${JSON.stringify(error.body)}`, { cause: error })
        : (error as Error),
    );
  });

  const until = (condition: (event: WireEvent) => boolean, timeoutMs = 30_000): Promise<WireEvent> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(check);
        reject(
          new Error(`not seen within ${timeoutMs} ms; the last events: ${JSON.stringify(events.slice(-5))}`),
        );
      }, timeoutMs);
      const check = (): void => {
        const found = events.find(condition);
        if (!found && !failure) return;
        waiting.delete(check);
        clearTimeout(timer);
        if (failure) reject(failure);
        else resolve(found!);
      };
      waiting.add(check);
      check();
    });
  return {
    events,
    times,
    turnId: () => turnId,
    status: () => status,
    until,
    end: (timeoutMs) => until(({ event }) => event === 'complete' || event === 'error', timeoutMs),
    stop: () => abort.abort(),
  };
}

/** Passes the bytes of a stream on, and tells when an id is not the next one. Knows no more of a stream than its lines. */
function checkedStream(response: Response, cursor: number, onFault: (error: Error) => void): Response {
  const decoder = new TextDecoder();
  let last = cursor;
  let rest = '';
  const check = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (!line.startsWith('id: ')) continue;
        const id = Number(line.slice(4));
        if (id !== last + 1) onFault(new Error(`after the event ${last} the stream has the event ${id}`));
        last = id;
      }
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body!.pipeThrough(check), response);
}
