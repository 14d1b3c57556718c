/** One request to the service: its token, its address, its answer or its error. */
import { CopilotError, errorOfAnswer } from './errors.ts';

export interface ConnectionOptions {
  /** Where the service is, such as `https://copilot.example.com`. Empty: the origin of the page. */
  baseUrl: string;
  /** Called for every request; with true after the service refused the last token. */
  getToken: (refused?: boolean) => string | Promise<string>;
  /** In place of the global one. */
  fetch?: typeof fetch;
}

export interface RequestOptions {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/**
 * Sends a request, once more with a new token after a 401, and resolves with the answer when it is a success.
 * Throws CopilotError; what getToken throws is passed on.
 */
export async function send(connection: ConnectionOptions, options: RequestOptions): Promise<Response> {
  const first = await sendOnce(connection, options, false);
  if (first.ok) return first;
  const refused = await errorOfAnswer(first);
  if (first.status !== 401) throw refused;
  const second = await sendOnce(connection, options, true);
  if (second.ok) return second;
  throw await errorOfAnswer(second);
}

async function sendOnce(
  connection: ConnectionOptions,
  { method, path, query, body, headers, signal }: RequestOptions,
  refused: boolean,
): Promise<Response> {
  const token = await connection.getToken(refused);
  const ask = connection.fetch ?? globalThis.fetch;
  try {
    return await ask(urlOf(connection.baseUrl, path, query), {
      method,
      cache: 'no-store',
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause: unknown) {
    throw new CopilotError('network', 'The service can not be reached', { cause });
  }
}

/** Sends a request and reads its JSON. */
export async function sendJson<T>(connection: ConnectionOptions, options: RequestOptions): Promise<T> {
  const response = await send(connection, options);
  try {
    return (await response.json()) as T;
  } catch (cause: unknown) {
    throw cause instanceof SyntaxError
      ? new CopilotError('bad_answer', 'The answer is no JSON', { status: response.status, cause })
      : new CopilotError('network', 'The answer did not arrive whole', { cause });
  }
}

/** A segment of a path. What would change the path names nothing, and neither does `-`. */
export function segment(id: string): string {
  return /^\.{0,2}$/.test(id) ? '-' : encodeURIComponent(id);
}

function urlOf(baseUrl: string, path: string, query: RequestOptions['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `${baseUrl.replace(/\/+$/, '')}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}
