/** Reads request bodies. Bytes, depth and tokens are bounded before a body is parsed; the parsed body is safe to store. */
import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Middleware } from 'koa';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import type { RequestState } from '../http/request-state.ts';
import { HttpError } from '../http/http-error.ts';
import { scanJson } from '../../domain/text/scan-json.ts';
import { createSemaphore } from '../../runtime/semaphore.ts';
import { NonFiniteNumberError, toStorableJson } from './storable-json.ts';

export const MAX_BODY_BYTES = 8 * 1024 * 1024;
const LIMITS = { maxDepth: 64, maxTokens: 200_000 };
// When the server answers and closes while a client is still sending, a reset may destroy the answer. So a part of a body
// that is too large is read and thrown away first.
const MAX_DISCARD_BYTES = 3 * MAX_BODY_BYTES;
const MAX_DISCARD_MS = 5_000;

const CUT_OFF = 'The request ended before its body was complete';

const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** The bytes that all large bodies may take together, from their first byte to the end of their requests. */
export const ROOM = { bytes: 16 * MAX_BODY_BYTES, waitMs: 5_000 };
/** Up to this size, all steps together take a few milliseconds, and a body need not wait for room. */
const SMALL_BYTES = 256 * 1024;

/**
 * Puts the parsed body into `ctx.state.body`, or an empty object when there is no body. Ends the request with 400, 413 or
 * 415, with 429 when the principal or all have sent too much, or with 503 when too many large bodies are being handled.
 */
export function createBodyMiddleware(limits: Pick<RequestLimits, 'countBody'>): Middleware {
  const room = createSemaphore(ROOM.bytes);
  return async function body(ctx, next) {
    ctx.state.body = {};
    if (!WITH_BODY.has(ctx.method) || !hasBody(ctx.req)) return next();
    checkHeaders(ctx.req);
    const size = sizeOf(ctx.req);
    const release = size <= SMALL_BYTES ? () => undefined : await room.take(size, ROOM);
    if (release === null) {
      await discard(ctx.req);
      throw new HttpError(
        503,
        'Too many large bodies are being worked on. Nothing was done. Please try again.',
        {},
        { 'Retry-After': '5', Connection: 'close' },
      );
    }
    try {
      const bytes = await readBody(ctx.req);
      if (bytes === null) {
        // The connection can't be used again, because the rest of the body may still arrive.
        throw new HttpError(
          413,
          `The body is larger than ${MAX_BODY_BYTES} bytes (8 MB)`,
          {},
          { Connection: 'close' },
        );
      }
      await limits.countBody((ctx.state as Partial<RequestState>).principal?.sub ?? null, bytes.length);
      ctx.state.body = await readJson(bytes);
      await next();
    } finally {
      release();
    }
  };
}

/** The largest size that a body may have. The size of a chunked body is known only at its end. */
function sizeOf(request: IncomingMessage): number {
  const length = request.headers['content-length'];
  return Math.min(length === undefined ? MAX_BODY_BYTES : Number(length), MAX_BODY_BYTES);
}

/** Reads and drops the body for a moment, so that a client that is still sending receives the answer. */
async function discard(request: IncomingMessage): Promise<void> {
  if (request.destroyed || request.readableEnded) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, MAX_DISCARD_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on('end', done).on('close', done).on('error', done).resume();
  });
}

function hasBody(request: IncomingMessage): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  );
}

function checkHeaders(request: IncomingMessage): void {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== '') {
    throw new HttpError(415, 'Content-Encoding is not supported: send the body as it is');
  }
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((part) => part.startsWith('charset='))?.slice('charset='.length);
  if (!/^application\/(?:json|[\w.-]+\+json)$/.test(type)) {
    throw new HttpError(415, 'The body must be JSON: send Content-Type: application/json');
  }
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset.replaceAll('"', ''))) {
    throw new HttpError(415, 'The body must be JSON in UTF-8');
  }
}

/** The bytes of the body; null when there are too many. Rejects with HttpError when the client goes away. */
function readBody(request: IncomingMessage): Promise<Buffer | null> {
  // The client may have gone away while its body waited for room. No event would follow.
  if (request.destroyed) return Promise.reject(new HttpError(400, CUT_OFF));
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES + MAX_DISCARD_BYTES)
    return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let received = 0;
    let timer: NodeJS.Timeout | undefined;
    const settle = (done: () => void) => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      request.pause();
      done();
    };
    const onData = (chunk: Buffer) => {
      received += chunk.length;
      if (received <= MAX_BODY_BYTES) {
        chunks.push(chunk);
        return;
      }
      chunks = [];
      timer ??= setTimeout(() => settle(() => resolve(null)), MAX_DISCARD_MS);
      if (received > MAX_BODY_BYTES + MAX_DISCARD_BYTES) settle(() => resolve(null));
    };
    const onEnd = () => settle(() => resolve(received > MAX_BODY_BYTES ? null : Buffer.concat(chunks)));
    const onClose = () => settle(() => reject(new HttpError(400, CUT_OFF)));
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/** Parses a body. Between the steps of a large body, other work may run. Rejects with the errors of parseBody. */
async function readJson(bytes: Uint8Array): Promise<JsonObject> {
  if (bytes.length <= SMALL_BYTES) return parseBody(bytes);
  checkSize(bytes);
  await setImmediate();
  const text = decode(bytes);
  await setImmediate();
  const value = parseText(text);
  await setImmediate();
  return toObject(value);
}

/** Parses a body. Throws HttpError 400 that says what is wrong with it. */
export function parseBody(bytes: Uint8Array): JsonObject {
  checkSize(bytes);
  return toObject(parseText(decode(bytes)));
}

function checkSize(bytes: Uint8Array): void {
  const exceeded = scanJson(bytes, LIMITS);
  if (exceeded === 'depth')
    throw new HttpError(400, `The body is nested deeper than ${LIMITS.maxDepth} levels`);
  if (exceeded === 'tokens')
    throw new HttpError(400, `The body has more than ${LIMITS.maxTokens} keys and values`);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error: unknown) {
    if (error instanceof TypeError) throw new HttpError(400, 'The body is not valid UTF-8');
    throw error;
  }
}

function parseText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error: unknown) {
    if (error instanceof SyntaxError) throw new HttpError(400, 'The body is not valid JSON');
    throw error;
  }
}

function toObject(parsed: Json): JsonObject {
  let value: Json;
  try {
    value = toStorableJson(parsed);
  } catch (error: unknown) {
    if (error instanceof NonFiniteNumberError)
      throw new HttpError(400, 'The body holds a number that is too large');
    throw error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HttpError(400, 'The body must be a JSON object');
  return value;
}
