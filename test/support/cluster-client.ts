/** A client of a test cluster: JSON requests, and a chat reader that resumes its stream after every break. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';

export interface WireEvent {
  event: string;
  seq?: number;
  [key: string]: unknown;
}

/** Sends a JSON request with the cluster's key. */
export async function call(
  cluster: Cluster,
  api: { url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${cluster.key()}`, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    headers: response.headers,
  };
}

/** Creates a session of the sample workflow and returns its id. */
export async function newSession(cluster: Cluster, api: { url: string }): Promise<string> {
  const { body } = await call(cluster, api, 'POST', '/api/copilot/sessions', {
    workflow_id: cluster.workflowId(),
  });
  return body.id as string;
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

/**
 * Sends a chat message and reads the stream as a client does. When the stream breaks, it continues from the last id at the
 * next API. `apis` is called at each attempt, so that a test can replace an API.
 */
export function chat(
  cluster: Cluster,
  apis: () => { url: string }[],
  sessionId: string,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Reader {
  const events: WireEvent[] = [];
  const times: number[] = [];
  const waiting = new Set<() => void>();
  const abort = new AbortController();
  cluster.onStop(() => abort.abort());
  let turnId = '';
  let status = 0;
  let lastId = 0;
  let failure: Error | null = null;
  const terminal = (): WireEvent | undefined =>
    events.find(({ event }) => event === 'complete' || event === 'error');
  const wake = (): void => {
    for (const check of waiting) check();
  };

  const consume = async (response: Response): Promise<void> => {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of response.body!) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        if (block.startsWith('id: ')) lastId = Number(block.slice(4));
        if (!block.startsWith('data: ')) continue;
        events.push(JSON.parse(block.slice(6)) as WireEvent);
        times.push(performance.now());
        wake();
      }
    }
  };
  const auth = (): Record<string, string> => ({ Authorization: `Bearer ${cluster.key()}` });
  // With an Idempotency-Key a client may repeat the chat request without starting a second turn.
  const retries = headers['Idempotency-Key'] !== undefined;
  const read = async (): Promise<void> => {
    for (let attempt = 0; !terminal() && !abort.signal.aborted; attempt++) {
      const list = apis();
      const api = list[attempt % list.length]!;
      try {
        if (turnId === '') {
          const response = await fetch(`${api.url}/api/copilot/sessions/${sessionId}/chat`, {
            method: 'POST',
            headers: { ...auth(), 'Content-Type': 'application/json', ...headers },
            body: JSON.stringify(body),
            signal: abort.signal,
          });
          status = response.status;
          turnId = response.headers.get('x-turn-id') ?? '';
          if (retries && status === 503) {
            await response.body?.cancel();
          } else if (status !== 200) {
            failure = new Error(`chat answered ${status}: ${await response.text()}`);
            return;
          } else {
            wake();
            await consume(response);
          }
        } else {
          const response = await fetch(
            `${api.url}/api/copilot/sessions/${sessionId}/turns/${turnId}/events`,
            {
              headers: { ...auth(), 'Last-Event-ID': String(lastId) },
              signal: abort.signal,
            },
          );
          if (response.status === 200) await consume(response);
          else await response.body?.cancel();
        }
      } catch (error: unknown) {
        if (turnId === '' && status === 0 && !retries) failure = error as Error;
        if (failure) return;
      }
      if (!terminal()) await delay(50);
    }
  };
  void read().finally(wake);

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
        if (found) resolve(found);
        else reject(failure!);
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

/** The text that a client shows after these events. */
export function shownText(events: WireEvent[]): string {
  let text = '';
  for (const event of events) {
    if (event.event === 'content_delta') text += event.delta as string;
    if (event.event === 'content_reset') text = event.content as string;
  }
  return text;
}

/** The seqs of the numbered events, in order of arrival. */
export function seqs(events: WireEvent[]): number[] {
  return events.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
}

/** The numbers from 1 to n. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}
