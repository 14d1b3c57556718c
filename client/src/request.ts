/** One request to the service: its address, its token, its answer or its error. */
import { CopilotError, errorOfAnswer, parseObject } from './errors.ts';
import { pause, pauseBefore } from './pause.ts';

export interface ConnectionOptions {
  /** Where the service is, such as `https://copilot.example.com`. Empty: the origin of the page. */
  baseUrl: string;
  /**
   * Called for every request; with true after the service refused the last token. What it throws ends the request or the
   * stream; a CopilotError whose `mayPass` is true is tried again like any other.
   */
  getToken: (refused?: boolean) => string | Promise<string>;
  /** In place of the global one. */
  fetch?: typeof fetch;
}

export interface RequestOptions {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string | number | undefined>>;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

export interface CallOptions {
  /** Ends the request, also between two tries, with a CopilotError `aborted`. The service may have done it all the same. */
  signal?: AbortSignal;
}

/** How long an answer may take to begin, or to be there where it is JSON. */
const ANSWER_MS = 45_000;
/** A body is given the time that it takes at 16 KB a second. */
const BODY_BYTES_PER_MS = 16;
/** A GET is tried so often, with pauses, before its error is final. */
const GET_TRIES = 3;
const GET_PAUSE_MS = 500;
/** Where the service asks for a longer wait, the caller is told at once. */
const MAX_GET_WAIT_MS = 10_000;

/**
 * Opens an answer: resolves with its headers when it is a success. A 401 is answered with a new token, once. Throws
 * CopilotError; what getToken throws is passed on. The reader of the body must cancel it.
 */
export function open(
  connection: ConnectionOptions,
  request: RequestOptions,
  signal: AbortSignal,
): Promise<Response> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  return withDeadline(signal, timeFor(body), (signal) => answerOf(connection, request, body, signal));
}

/** The JSON object of a success, undefined for one without a body. Throws as `open` does. */
export async function ask<T>(
  connection: ConnectionOptions,
  request: RequestOptions,
  { signal = new AbortController().signal }: CallOptions = {},
): Promise<T> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  for (let failures = 0; ; failures += 1) {
    try {
      return await withDeadline(signal, timeFor(body), async (signal) =>
        readJson<T>(await answerOf(connection, request, body, signal), request.method),
      );
    } catch (error: unknown) {
      const isLastTry = request.method !== 'GET' || failures + 1 >= GET_TRIES;
      if (isLastTry || !(error instanceof CopilotError) || !error.mayPass) throw error;
      const { retryAfterMs } = error;
      if (retryAfterMs !== null && retryAfterMs > MAX_GET_WAIT_MS) throw error;
      await pause(pauseBefore({ failures, retryMs: GET_PAUSE_MS, retryAfterMs }), signal);
    }
  }
}

async function answerOf(
  connection: ConnectionOptions,
  request: RequestOptions,
  body: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  for (const refused of [false, true]) {
    const token = await connection.getToken(refused);
    const response = await fetchOnce(connection, request, body, token, signal);
    if (response.ok) return response;
    const error = await errorOfAnswer(response);
    if (refused || response.status !== 401) throw error;
  }
  throw new TypeError('unreachable');
}

async function fetchOnce(
  connection: ConnectionOptions,
  { method, path, query, headers }: RequestOptions,
  body: string | undefined,
  token: string,
  signal: AbortSignal,
): Promise<Response> {
  const fetchIt = connection.fetch ?? globalThis.fetch;
  const url = urlOf(connection.baseUrl, path, query);
  if (connection.fetch === undefined) checkAddress(url);
  const allHeaders = headersOf({
    ...headers,
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    Authorization: `Bearer ${token}`,
  });
  let response: Response;
  try {
    response = await fetchIt(url, {
      method,
      cache: 'no-store',
      headers: allHeaders,
      ...(body === undefined ? {} : { body }),
      signal,
    });
  } catch (cause: unknown) {
    throw new CopilotError('network', 'The service can not be reached', { cause });
  }
  // A fetch that knows no signals answers after all: nobody would read it.
  if (signal.aborted) response.body?.cancel().catch(() => undefined);
  return response;
}

/** What the platform throws here may quote the token: neither its words nor the error itself go on. */
function headersOf(values: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(values)) {
    try {
      headers.set(name, value);
    } catch {
      if (name !== 'Authorization') throw new CopilotError('bad_request', `No header can hold this ${name}`);
      throw new CopilotError('unauthorized', 'No header can hold the token that getToken gave');
    }
  }
  return headers;
}

/** An address that can't be asked is no failure of the network. The platform's words may quote a password in it. */
function checkAddress(url: string): void {
  try {
    void new Request(url);
  } catch {
    throw new CopilotError('bad_request', 'baseUrl is no address that can be asked');
  }
}

async function readJson<T>(response: Response, method: RequestOptions['method']): Promise<T> {
  const { status } = response;
  let text: string;
  try {
    text = await response.text();
  } catch (cause: unknown) {
    throw new CopilotError('network', 'The answer did not arrive whole', { cause });
  }
  const value = method === 'DELETE' && status === 204 ? undefined : parseObject(text);
  if (value === null) throw new CopilotError('bad_answer', 'The answer is no JSON object', { status });
  return value as T;
}

/** Gives up a work after a time, or when the outer signal says so, whether or not the work listens to its signal. */
function withDeadline<T>(
  outer: AbortSignal,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const inner = new AbortController();
    const giveUp = (error: CopilotError): void => {
      reject(error);
      inner.abort();
      end();
    };
    const onAbort = (): void =>
      giveUp(new CopilotError('aborted', 'The request was given up', { cause: outer.reason }));
    const timer = setTimeout(
      () => giveUp(new CopilotError('network', 'The service did not answer in time')),
      ms,
    );
    const end = (): void => {
      clearTimeout(timer);
      outer.removeEventListener('abort', onAbort);
    };
    outer.addEventListener('abort', onAbort);
    if (outer.aborted) return onAbort();
    work(inner.signal).then(resolve, reject).finally(end);
  });
}

function timeFor(body: string | undefined): number {
  return ANSWER_MS + (body?.length ?? 0) / BODY_BYTES_PER_MS;
}

/** A segment of a path. An id that would change the path names nothing, and neither does `-`. */
export function segment(id: string): string {
  return /^\.{0,2}$/.test(id) ? '-' : encodeURIComponent(id.toWellFormed());
}

function urlOf(baseUrl: string, path: string, query: RequestOptions['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(String(value).toWellFormed())}`],
  );
  return `${baseUrl.replace(/\/+$/, '')}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}
