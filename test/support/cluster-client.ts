/** A client of a test cluster: JSON requests, and what a test asks of a stream's events. */
import type { WireEvent } from './chat-reader.ts';
import type { Cluster } from './cluster.ts';

export { chat, type Reader, type WireEvent } from './chat-reader.ts';

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
