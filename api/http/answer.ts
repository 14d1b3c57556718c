/** The kinds of answers: what a handler returns, how it is written, and how the description tells it. */
import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import type { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { openStream, type StreamRequest } from '../event-stream/open-stream.ts';

export interface AnswerKind<Body> {
  status: number;
  /** The media type; null without a body. */
  contentType: string | null;
  /** The schema of the body, or of one event of a stream. Null when the body is no JSON. */
  schema: z.ZodType | null;
  /** A description in addition to the schema's own. */
  description?: string;
  /** Headers that a client may rely on, beside those of every answer. */
  headers?: readonly string[];
  /** Further answers without a body, with their meaning. */
  also?: Readonly<Record<number, string>>;
  write(ctx: Context, body: Body, deps: ApiDeps): void;
}

/** An answer with a value that is written as JSON. */
export function json<S extends z.ZodType>(status: number, schema: S): AnswerKind<z.input<S>> {
  return {
    status,
    contentType: 'application/json',
    schema,
    write(ctx, body) {
      ctx.body = body;
    },
  };
}

/** An answer with finished JSON text, such as the database's. It is sent without being parsed. */
export function jsonText(schema: z.ZodType): AnswerKind<string> {
  return {
    status: 200,
    contentType: 'application/json',
    schema,
    write(ctx, body) {
      ctx.type = 'json';
      ctx.body = body;
    },
  };
}

/** An answer with the event stream of a turn. */
export function eventStream(schema: z.ZodType): AnswerKind<StreamRequest> {
  return {
    status: 200,
    contentType: 'text/event-stream',
    schema,
    description: 'The stream, until the turn ends: the JSON of each `data:` line is one event.',
    headers: ['X-Turn-Id'],
    write(ctx, body, { hub }) {
      openStream(ctx, hub, body);
    },
  };
}

/** Bytes that do not change while the process lives. */
export interface Asset {
  bytes: Buffer;
  etag: string;
}

/** Creates an asset from its content. */
export function toAsset(content: string | Buffer): Asset {
  const bytes = Buffer.from(content);
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` };
}

/** An answer with an asset. A client that already has it gets 304. */
export function asset(contentType: string, schema: z.ZodType | null = null): AnswerKind<Asset> {
  return {
    status: 200,
    contentType,
    schema,
    headers: ['ETag'],
    also: { 304: 'The reader has it already.' },
    write(ctx, { bytes, etag }) {
      ctx.set({ ETag: etag, 'Cache-Control': 'no-cache' });
      if (ctx.fresh) {
        ctx.status = 304;
        return;
      }
      ctx.type = contentType;
      ctx.body = bytes;
    },
  };
}

/** An answer without a body: 204. */
export const nothing: AnswerKind<null> = {
  status: 204,
  contentType: null,
  schema: null,
  write: () => undefined,
};

/** What a handler returns. Only `answer`, which knows the route's answers, creates it. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  write(ctx: Context, deps: ApiDeps): void;
}
